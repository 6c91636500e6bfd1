"""moto's server, completed where its CloudFormation leaves out what Landfall's stack needs.

Started by moto.go with the arguments of moto_server. Every completion wraps one function of the pinned moto version;
its tests are in bridge_test.go.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import moto.stepfunctions.models as state_machines
from moto.awslambda.models import LambdaFunction
from moto.cloudformation import parsing
from moto.cloudformation.custom_model import CustomModel
from moto.cloudformation.exceptions import CloudFormationError
from moto.cloudformation.models import ChangeSet, Stack
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse, EmptyResult
from moto.glue.exceptions import EntityNotFoundException
from moto.glue.models import FakeConnection
from moto.glue.responses import GlueResponse
from moto.s3.models import FakeBucket, s3_backends
from moto.s3.responses import S3Response
from moto.server import main
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from moto.utilities.utils import get_partition

BUCKET_NOTIFICATIONS = "Custom::S3BucketNotifications"


def wrap(owner: Any, name: str) -> Any:
    """Replace owner.name by the decorated function, which gets the original as its first argument."""

    def decorate(replacement: Any) -> Any:
        kind = owner.__dict__.get(name) if isinstance(owner, type) else None
        original = getattr(owner, name)
        if isinstance(kind, classmethod):
            original = kind.__func__

        @functools.wraps(original)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            return replacement(original, *args, **kwargs)

        setattr(owner, name, classmethod(wrapped) if isinstance(kind, classmethod) else wrapped)
        return replacement

    return decorate


# CloudFormation makes state machines in the backend that records them; the API reads the one that runs them.
state_machines.stepfunctions_backends = stepfunctions_parser_backends


def definition_of(properties: dict[str, Any], account_id: str, region: str) -> str:
    """Return the definition of an AWS::StepFunctions::StateMachine, wherever it is, with its substitutions made."""
    text = properties.get("DefinitionString", "")
    if "Definition" in properties:
        text = json.dumps(properties["Definition"])
    if "DefinitionS3Location" in properties:
        location = properties["DefinitionS3Location"]
        backend = s3_backends[account_id][get_partition(region)]
        text = backend.get_object(location["Bucket"], location["Key"]).value.decode()
    for name, value in properties.get("DefinitionSubstitutions", {}).items():
        text = text.replace(f"${{{name}}}", str(value))
    return text


@wrap(state_machines.StateMachine, "create_from_cloudformation_json")
def create_state_machine(
    original: Any, cls: Any, name: str, template: Any, account_id: str, region: str, **kwargs: Any
) -> Any:
    """Give the state machine the definition that the template means, wherever it is."""
    template["Properties"]["DefinitionString"] = definition_of(template["Properties"], account_id, region)
    return original(cls, name, template, account_id, region, **kwargs)


@wrap(state_machines.StateMachine, "update_from_cloudformation_json")
def update_state_machine(
    original: Any, cls: Any, original_resource: Any, new_resource_name: str, cloudformation_json: Any,
    account_id: str, region_name: str,
) -> Any:  # fmt: skip
    """Give the state machine the definition that the new template means."""
    properties = cloudformation_json["Properties"]
    properties["DefinitionString"] = definition_of(properties, account_id, region_name)
    return original(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name)


@wrap(state_machines.StateMachine, "has_cfn_attr")
def state_machine_has(original: Any, cls: Any, attr: str) -> bool:
    """Know the attribute Arn."""
    return attr == "Arn" or original(cls, attr)


@wrap(state_machines.StateMachine, "get_cfn_attribute")
def state_machine_attribute(original: Any, self: Any, attribute_name: str) -> Any:
    """Return the attribute Arn."""
    return self.arn if attribute_name == "Arn" else original(self, attribute_name)


def configure_bucket(bucket: Any, properties: dict[str, Any]) -> Any:
    """Apply the properties of an AWS::S3::Bucket that the launch of an upload and the stack's promises depend on.

    The bucket policy stays out: moto enforces Deny statements without looking at their conditions.
    """
    bucket.versioning_status = properties.get("VersioningConfiguration", {}).get("Status")
    notifications = properties.get("NotificationConfiguration", {})
    if "EventBridgeConfiguration" in notifications:
        send_events(bucket, notifications["EventBridgeConfiguration"])
    return bucket


def send_events(bucket: Any, configuration: dict[str, Any]) -> None:
    """Switch the notifications of a bucket to EventBridge on or off."""
    enabled = str(configuration.get("EventBridgeEnabled", True)).lower() != "false"
    bucket.set_notification_configuration({"EventBridgeConfiguration": {}} if enabled else None)


@wrap(S3Response, "get_bucket_notification")
def show_notifications(original: Any, self: Any) -> Any:
    """Show that EventBridge notifications are on: moto remembers it but leaves it out of the answer."""
    answer = original(self)
    configuration = self.backend.get_bucket_notification_configuration(self.bucket_name)
    if configuration is None or configuration.event_bridge is None:
        return answer
    status, headers, body = answer
    document = ElementTree.fromstring(body)
    namespace = document.tag.partition("}")[0].lstrip("{")
    ElementTree.SubElement(document, f"{{{namespace}}}EventBridgeConfiguration")
    return status, headers, ElementTree.tostring(document, encoding="unicode", default_namespace=namespace)


@wrap(FakeBucket, "create_from_cloudformation_json")
def create_bucket(original: Any, cls: Any, name: str, template: Any, *args: Any, **kwargs: Any) -> Any:
    """Create the bucket with its properties."""
    return configure_bucket(original(cls, name, template, *args, **kwargs), template.get("Properties", {}))


@wrap(FakeBucket, "update_from_cloudformation_json")
def update_bucket(original: Any, cls: Any, **kwargs: Any) -> Any:
    """Bring the properties of the bucket in sync."""
    bucket = original(cls, **kwargs)
    return configure_bucket(bucket, kwargs["cloudformation_json"]["Properties"])


@wrap(CustomModel, "create_from_cloudformation_json")
def create_custom(
    original: Any, cls: Any, name: str, template: Any, account_id: str, region: str, **kwargs: Any
) -> Any:
    """Do what the CDK's Python function does to a bucket's notifications: moto would run it in a container."""
    if kwargs["ResourceType"] != BUCKET_NOTIFICATIONS:
        return original(cls, name, template, account_id, region, **kwargs)
    properties = template["Properties"]
    bucket = s3_backends[account_id][get_partition(region)].get_bucket(properties["BucketName"])
    send_events(bucket, properties["NotificationConfiguration"].get("EventBridgeConfiguration", {}))
    resource = CustomModel(region, "", kwargs["LogicalId"], name)
    resource.set_data({})
    return resource


@wrap(LambdaFunction, "_set_function_code")
def keep_code(original: Any, self: Any, spec: Any) -> None:
    """Keep each function's ZIP where the endpoint finds it by its digest: no API gives it back."""
    original(self, spec)
    content, digest = getattr(self, "code_bytes", b""), getattr(self, "code_sha_256", "")
    if content and digest:
        directory = Path(os.environ["LANDFALL_ZIPS"])
        path = directory / (base64.b64decode(digest).hex() + ".zip")
        temporary = path.with_suffix(f".{os.getpid()}-{id(self)}")
        temporary.write_bytes(content)
        temporary.replace(path)


@wrap(parsing, "parse_and_update_resource")
def update_resource(
    original: Any, logical_id: str, resource_json: Any, resources_map: Any, *args: Any, **kwargs: Any
) -> Any:
    """Keep a resource whose type moto cannot update; it would be forgotten, and with it every reference to it."""
    return original(logical_id, resource_json, resources_map, *args, **kwargs) or resources_map[logical_id]


@wrap(ChangeSet, "apply")
def apply_change_set(original: Any, self: Any) -> None:
    """Show the outputs of a stack that was deployed by a change set, as the CDK does."""
    original(self)
    self.stack.template, self.stack.template_dict = self.template, self.template_dict
    self.stack.description = self.template_dict.get("Description")
    self.stack.output_map = self.stack._create_output_map()


class ChangeSetNotFoundError(CloudFormationError):
    """What the CDK waits for before it makes the first change set of a stack."""

    code = "ChangeSetNotFoundException"


def change_set_id(self: Any) -> str | None:
    """Return the id of the change set a request names. The CDK uses one name for the change sets of all stacks."""
    name, stack = self._get_param("ChangeSetName"), self._get_param("StackName")
    for identifier, change_set in reversed(list(self.cloudformation_backend.change_sets.items())):
        if name in (identifier, change_set.change_set_name) and stack in (
            None,
            change_set.stack_name,
            change_set.stack_id,
        ):
            return identifier
    return None


@wrap(CloudFormationResponse, "delete_change_set")
def delete_change_set(original: Any, self: Any) -> Any:
    """Delete the change set of the named stack."""
    self.cloudformation_backend.change_sets.pop(change_set_id(self), None)
    return EmptyResult()


@wrap(CloudFormationResponse, "describe_change_set")
def describe_change_set(original: Any, self: Any) -> Any:
    """Describe the change set of the named stack."""
    name_change_set(self)
    return original(self)


@wrap(CloudFormationResponse, "execute_change_set")
def execute_change_set(original: Any, self: Any) -> Any:
    """Fail a stack as CloudFormation does, by its events, where moto would answer with a page of HTML."""
    name_change_set(self)
    try:
        return original(self)
    except Exception as error:  # whatever it was, the stack failed
        traceback.print_exc()
        fail_stack(self.cloudformation_backend.change_sets[self.params["ChangeSetName"]], error)
        return EmptyResult()


def name_change_set(self: Any) -> None:
    """Put the id in the place of the name. Raises ChangeSetNotFoundError."""
    identifier = change_set_id(self)
    if identifier is None:
        raise ChangeSetNotFoundError(f"ChangeSet [{self._get_param('ChangeSetName')}] does not exist")
    self.params["ChangeSetName"] = identifier


def fail_stack(change_set: Any, error: Exception) -> None:
    """Remove what a failed creation made. A failed update stays half done: moto cannot go back."""
    stack, update = change_set.stack, change_set.change_set_type == "UPDATE"
    reason = getattr(error, "message", None) or f"{type(error).__name__}: {error}"
    stack._add_stack_event("UPDATE_ROLLBACK_IN_PROGRESS" if update else "ROLLBACK_IN_PROGRESS", reason)
    if not update:
        with contextlib.suppress(Exception):
            stack.resource_map.delete()
    stack.status = "UPDATE_ROLLBACK_COMPLETE" if update else "ROLLBACK_COMPLETE"
    stack._add_stack_event(stack.status, reason)


def parse(template: str) -> Any:
    """JSON first: the YAML parser takes seconds for a template of the CDK."""
    try:
        return json.loads(template)
    except ValueError:
        return parse_yaml(template)


parse_yaml = Stack.parse_template
Stack.parse_template = staticmethod(parse)  # type: ignore[method-assign]


@wrap(ChangeSet, "_parse_template")
def parse_change_set(original: Any, self: Any) -> None:
    """Parse the template as parse does."""
    self.template_dict = parse(self.template)


class UnknownOperation(ServiceException):
    """What AWS answers to an operation that a service does not have."""

    code = "UnknownOperationException"


@wrap(BaseResponse, "call_action")
def call_action(original: Any, self: Any) -> Any:
    """Name an operation that moto lacks, where it would answer with a page of HTML that SDKs try again."""
    try:
        return original(self)
    except NotImplementedError:
        message = f"{self.service_name} operation {self._get_action()} is not served by the local endpoint"
        status, headers, body = self.serialized(ActionResult(UnknownOperation(message)))
        return status, {**headers, "status": status}, body


def connection_named(self: Any, name: str) -> Any:
    """Return the Glue connection. Raises EntityNotFoundException."""
    if name not in self.glue_backend.connections:
        raise EntityNotFoundException(f"Connection {name} not found")
    return self.glue_backend.connections[name]


def delete_connection(self: Any) -> Any:
    """Delete the connection. Raises EntityNotFoundException."""
    del self.glue_backend.connections[connection_named(self, self._get_param("ConnectionName")).name]
    return ActionResult({})


def update_connection(self: Any) -> Any:
    """Overwrite the definition; the name and the time of creation stay."""
    old = connection_named(self, self._get_param("Name"))
    definition = {**self._get_param("ConnectionInput"), "Name": old.name}
    new = FakeConnection(self.glue_backend, old.catalog_id, definition, {})
    new.created_time = old.created_time
    self.glue_backend.connections[old.name] = new
    return ActionResult({})


GlueResponse.delete_connection = delete_connection  # type: ignore[attr-defined]
GlueResponse.update_connection = update_connection  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(main())
