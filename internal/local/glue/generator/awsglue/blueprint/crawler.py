"""Crawlers of a layout."""

from enum import Enum

from .base_resource import BaseResource


class UpdateBehavior(Enum):
    """What a crawler does about a changed schema."""

    LOG = "LOG"
    UPDATE_IN_DATABASE = "UPDATE_IN_DATABASE"

    @staticmethod
    def has_value(item):
        """Tell whether the item is an update behaviour."""
        return item in [member.value for member in UpdateBehavior]


class DeleteBehavior(Enum):
    """What a crawler does about a deleted object."""

    LOG = "LOG"
    DELETE_FROM_DATABASE = "DELETE_FROM_DATABASE"
    DEPRECATE_IN_DATABASE = "DEPRECATE_IN_DATABASE"

    @staticmethod
    def has_value(item):
        """Tell whether the item is a delete behaviour."""
        return item in [member.value for member in DeleteBehavior]


class CatalogTarget(BaseResource):
    """Tables of the Glue Data Catalog to crawl."""

    fields = {"DatabaseName": (str, True), "Tables": (list, True)}


class DynamoDBTarget(BaseResource):
    """A DynamoDB table to crawl."""

    fields = {"Path": (str, True)}


class S3Target(BaseResource):
    """An S3 path to crawl."""

    fields = {"Path": (str, True), "Exclusions": (list, False)}


class JDBCTarget(BaseResource):
    """A database to crawl."""

    fields = {"ConnectionName": (str, True), "Path": (str, True), "Exclusions": (list, False)}


class SchemaChangePolicy(BaseResource):
    """What a crawler does about changes."""

    drops_falsy = True
    fields = {"DeleteBehavior": (str, False), "UpdateBehavior": (str, False)}

    def check(self, name, value):
        """Refuse unknown behaviours."""
        known = DeleteBehavior if name == "DeleteBehavior" else UpdateBehavior
        if not known.has_value(value):
            raise TypeError("{} is not a valid value for key {} in {}".format(value, name, self.__class__.__name__))


class Targets(BaseResource):
    """All that a crawler crawls."""

    fields = {
        "S3Targets": (list, False),
        "JDBCTargets": (list, False),
        "CatalogTargets": (list, False),
        "DynamoDBTargets": (list, False),
    }
    kinds = {
        "S3Targets": S3Target,
        "JDBCTargets": JDBCTarget,
        "CatalogTargets": CatalogTarget,
        "DynamoDBTargets": DynamoDBTarget,
    }

    def validate(self):
        """Check each target."""
        for name, kind in self.kinds.items():
            for target in getattr(self, name) or []:
                kind(**target).validate()


class Crawler(BaseResource):
    """A crawler."""

    drops_falsy = True
    fields = {
        "Name": (str, True),
        "Description": (str, False),
        "Role": (str, True),
        "Targets": (dict, True),
        "DatabaseName": (str, False),
        "Classifiers": (list, False),
        "SchemaChangePolicy": (dict, False),
        "TablePrefix": (str, False),
        "Configuration": (str, False),
        "CrawlerSecurityConfiguration": (str, False),
        "Tags": (dict, False),
        "DependsOn": (dict, False),
        "Schedule": (str, False),
        "WaitForDependencies": (str, False),
    }

    def check(self, name, value):
        """Check the nested resources."""
        if name == "Targets":
            Targets(**value).validate()
        elif name == "SchemaChangePolicy":
            SchemaChangePolicy(**value).validate()
