"""The workflow a layout generator returns."""

from .base_resource import BaseResource
from .crawler import Crawler
from .job import Job


class Entities(object):
    """The jobs and crawlers of a workflow. Jobs must be given, be it as an empty list."""

    def __init__(self, **kwargs):
        self.Crawlers = kwargs.get("Crawlers")
        self.Jobs = kwargs.get("Jobs")

    def validate(self):
        """Raise at the first job or crawler that is not valid."""
        for crawler in self.Crawlers or []:
            crawler.validate()
        for job in self.Jobs:
            job.validate()
        return True

    def to_json(self, workflow_name, starting_trigger_schedule, name_suffix):
        """Return the bodies of the Create calls of crawlers, jobs and triggers."""
        crawlers = [_suffixed(crawler, name_suffix) for crawler in self.Crawlers or []]
        jobs = [_suffixed(job, name_suffix) for job in self.Jobs or []]
        starting = {"WorkflowName": workflow_name, "Name": "{}_starting_trigger".format(workflow_name), "Actions": []}
        if starting_trigger_schedule:
            starting.update(Type="SCHEDULED", Schedule=starting_trigger_schedule, StartOnCreation=True)
        else:
            starting["Type"] = "ON_DEMAND"
        triggers = []
        for kind, bodies in (("CrawlerName", crawlers), ("JobName", jobs)):
            for body in bodies:
                action = {kind: body["Name"]}
                if "DependsOn" in body:
                    triggers.append(_dependency_trigger(workflow_name, body, action, name_suffix))
                else:
                    starting["Actions"].append(action)
        return crawlers, jobs, triggers + [starting]


def _suffixed(resource, name_suffix):
    body = resource.to_json()
    body["Name"] = "{}_{}".format(body["Name"], name_suffix)
    return body


def _dependency_trigger(workflow_name, body, action, name_suffix):
    """Take the dependencies out of a body and return the CONDITIONAL trigger for them."""
    predicate = {"Conditions": [_condition(*item, name_suffix=name_suffix) for item in body.pop("DependsOn").items()]}
    if "WaitForDependencies" in body:
        predicate["Logical"] = body.pop("WaitForDependencies")
    return {
        "WorkflowName": workflow_name,
        "Type": "CONDITIONAL",
        "Name": "{}_{}_trigger".format(workflow_name, body["Name"]),
        "Predicate": predicate,
        "StartOnCreation": True,
        "Actions": [action],
    }


def _condition(dependency, state, name_suffix):
    if isinstance(dependency, Crawler):
        name, kind = "CrawlerName", "CrawlState"
    elif isinstance(dependency, Job):
        name, kind = "JobName", "State"
    else:
        raise TypeError("Dependencies must be of type Job or Crawler, but found {} instead".format(type(dependency)))
    return {"LogicalOperator": "EQUALS", name: "{}_{}".format(dependency.Name, name_suffix), kind: state}


class Workflow(BaseResource):
    """A workflow with its entities. Required attributes that are left out are None."""

    fields = {
        "Name": (str, True),
        "Description": (str, False),
        "DefaultRunProperties": (dict, False),
        "Tags": (dict, False),
        "OnSchedule": (str, False),
        "Entities": (Entities, True),
    }

    def validate(self):
        """Raise at the first entity that is not valid."""
        return super(Workflow, self).validate() and self.Entities.validate()

    def to_json(self, name_suffix=""):
        """Return the bodies of all Create calls."""
        self.validate()
        result = {"Workflow": {key: getattr(self, key) for key in self.fields if key not in ("Entities", "OnSchedule")}}
        bodies = self.Entities.to_json(self.Name, self.OnSchedule or "", name_suffix)
        result["Crawlers"], result["Jobs"], result["Triggers"] = bodies
        return result
