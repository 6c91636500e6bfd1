"""Jobs of a layout."""

from enum import Enum

from .base_resource import BaseResource


class CommandName(Enum):
    """The commands a layout may use; glueray is none of them."""

    GLUE_ETL = "glueetl"
    PYTHON_SHELL = "pythonshell"
    GLUE_STREAMING = "gluestreaming"

    @staticmethod
    def has_value(item):
        """Tell whether the item is a command."""
        return item in [member.value for member in CommandName]


class WorkerType(Enum):
    """The worker types a layout may use, fewer than Glue has."""

    STANDARD = "Standard"
    G1_X = "G.1X"
    G2_X = "G.2X"

    @staticmethod
    def has_value(item):
        """Tell whether the item is a worker type."""
        return item in [member.value for member in WorkerType]


class Command(BaseResource):
    """What a job runs."""

    drops_falsy = True
    fields = {"Name": (str, True), "ScriptLocation": (str, True), "PythonVersion": (str, False)}

    def check(self, name, value):
        """Refuse unknown commands."""
        if name == "Name" and not CommandName.has_value(value):
            raise TypeError("{} is not a valid value for key {} in {}".format(value, name, self.__class__.__name__))


class ExecutionProperty(BaseResource):
    """How often a job may run at the same time."""

    fields = {"MaxConcurrentRuns": (int, False)}


class Job(BaseResource):
    """A job. The description is taken from the argument description, not Description."""

    drops_falsy = True
    arguments = {"Description": "description"}
    fields = {
        "Name": (str, True),
        "Description": (str, False),
        "LogUri": (str, False),
        "Role": (str, True),
        "ExecutionProperty": (dict, False),
        "Command": (dict, True),
        "DefaultArguments": (dict, False),
        "NonOverridableArguments": (dict, False),
        "Connections": (dict, False),
        "MaxRetries": (int, False),
        "AllocatedCapacity": (int, False),
        "Timeout": (int, False),
        "MaxCapacity": (float, False),
        "SecurityConfiguration": (str, False),
        "Tags": (dict, False),
        "NotificationProperty": (dict, False),
        "GlueVersion": (str, False),
        "NumberOfWorkers": (int, False),
        "WorkerType": (str, False),
        "DependsOn": (dict, False),
        "WaitForDependencies": (str, False),
    }

    def check(self, name, value):
        """Check the nested resources and the worker type."""
        if name == "Command":
            Command(**value).validate()
        elif name == "ExecutionProperty":
            ExecutionProperty(**value).validate()
        elif name == "WorkerType" and not WorkerType.has_value(value):
            raise TypeError("{} is not a valid value for worker type".format(value))
