package glue

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/smithy-go"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// kinds are the sentinel errors by which reconcile distinguishes errors.
var kinds = map[string]error{
	"not found": reconcile.ErrNotFound, "already exists": reconcile.ErrAlreadyExists, "busy": reconcile.ErrBusy,
	"refused": reconcile.ErrRefused, "forbidden": reconcile.ErrForbidden,
}

// What Glue answers decides whether a step is repeated, gone round, or fails its table.
func TestErrorsAreToldApart(t *testing.T) {
	cases := map[string]struct {
		reason string
		want   []string
		says   string
	}{
		"EntityNotFoundException":              {"", []string{"not found"}, ""},
		"AlreadyExistsException":               {"", []string{"already exists"}, ""},
		"IdempotentParameterMismatchException": {"the name is taken by something else", []string{"already exists"}, ""},
		"IllegalBlueprintStateException":       {"it is being registered", []string{"busy"}, ""},
		"CrawlerRunningException":              {"it ends by itself", []string{"busy"}, ""},
		"SchedulerTransitioningException":      {"it ends by itself", []string{"busy"}, ""},
		"ConcurrentRunsExceededException":      {"a run ends by itself", []string{"busy"}, ""},
		"ResourceNumberLimitExceededException": {"a quota does not grow by asking again", []string{"refused"}, "Raise the quota in Service Quotas"},
		"AccessDeniedException":                {"no retry grants a permission", []string{"refused", "forbidden"}, "AccessDeniedException: why"},
		"InvalidInputException":                {"Glue will not change its mind", []string{"refused"}, "InvalidInputException: why"},
		"ValidationException":                  {"Glue will not change its mind", []string{"refused"}, ""},
		"GlueEncryptionException":              {"a key's policy is in the way", []string{"refused"}, ""},
		"IllegalWorkflowStateException":        {"the workflow run is not going on", []string{"refused"}, ""},
		"SomethingNewException":                {"what is not known is tried again by the step", nil, ""},
	}
	for code, c := range cases {
		client, glue := serve(t, always(fail{code, "why"}))
		err := client.UpdateEntity(t.Context(), plan.JobEntity, "orders", reconcile.Definition{"Role": "job"})
		if err == nil || !strings.HasPrefix(err.Error(), `update job "orders": `) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want it to say what was done to what, and %q", code, err, c.says)
		}
		for name, kind := range kinds {
			wanted := false
			for _, w := range c.want {
				wanted = wanted || w == name
			}
			if errors.Is(err, kind) != wanted {
				t.Errorf("%s: is %q: %t, want %t: %s", code, name, !wanted, wanted, c.reason)
			}
		}
		if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != code {
			t.Errorf("%s: the cause is lost: %v", code, err)
		}
		if len(glue.made()) != 1 {
			t.Errorf("%s: asked %d times; the answer stays the same", code, len(glue.made()))
		}
	}
}

// A refusal goes into a report: Glue's own words, without the SDK's.
func TestARefusalIsReadable(t *testing.T) {
	client, _ := serve(t, always(fail{"InvalidInputException", "Worker type G.4X is not supported for Glue Version 5.0"}))
	_, err := client.StartBlueprintRun(t.Context(), "landfall", "role", "{}")
	if want := `start a run of blueprint "landfall": InvalidInputException: Worker type G.4X is not supported for Glue Version 5.0`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// How many blueprint runs may go on at once is not published: the next one waits for a place, whatever the quota's error means elsewhere.
func TestTooManyBlueprintRunsAreWaitedFor(t *testing.T) {
	client, _ := serve(t, always(fail{"ResourceNumberLimitExceededException", "too many"}))
	if _, err := client.StartBlueprintRun(t.Context(), "landfall", "role", "{}"); !errors.Is(err, reconcile.ErrBusy) || errors.Is(err, reconcile.ErrRefused) {
		t.Errorf("%v, want busy", err)
	}
}

// Deleting and stopping lead to the same end when the thing is gone; asking for it does not.
func TestGoneIsAsGoodAsDeleted(t *testing.T) {
	ctx := t.Context()
	client, _ := serve(t, always(fail{"EntityNotFoundException", "gone"}))
	for name, err := range map[string]error{
		"job": client.DeleteEntity(ctx, plan.JobEntity, "a"), "crawler": client.DeleteEntity(ctx, plan.CrawlerEntity, "a"), "trigger": client.DeleteEntity(ctx, plan.TriggerEntity, "a"), "workflow": client.DeleteWorkflow(ctx, "a"),
		"stop trigger": client.StopTrigger(ctx, "a"), "stop run": client.StopWorkflowRun(ctx, "a", "wr_1"),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, getErr := client.GetBlueprint(ctx, "a")
	for name, err := range map[string]error{
		"blueprint": getErr, "start trigger": client.StartTrigger(ctx, "a"), "update trigger": client.UpdateEntity(ctx, plan.TriggerEntity, "a", nil), "connection": client.CheckConnection(ctx, "a"),
	} {
		if !errors.Is(err, reconcile.ErrNotFound) {
			t.Errorf("%s: %v, want not found", name, err)
		}
	}
}

// Tags are read and written by ARN, which differs by partition, account and kind.
func TestTagsAreThoseOfTheARN(t *testing.T) {
	cases := map[string]struct{ partition, region, kind, name, want string }{
		"workflow": {"aws", "eu-west-1", reconcile.WorkflowEntity, "hr_orders", "arn:aws:glue:eu-west-1:123456789012:workflow/hr_orders"},
		"job":      {"aws", "eu-west-1", plan.JobEntity, "hr_orders_land_1", "arn:aws:glue:eu-west-1:123456789012:job/hr_orders_land_1"},
		"crawler":  {"aws-cn", "cn-north-1", plan.CrawlerEntity, "c", "arn:aws-cn:glue:cn-north-1:123456789012:crawler/c"},
		"trigger":  {"aws-us-gov", "us-gov-west-1", plan.TriggerEntity, "a b/c", "arn:aws-us-gov:glue:us-gov-west-1:123456789012:trigger/a b/c"},
	}
	for name, c := range cases {
		client, glue := serveAs(t, c.region, arn.ARN{Partition: c.partition, AccountID: "123456789012"}, always(object{"Tags": object{"team": "data"}}))
		tags, err := client.Tags(t.Context(), c.kind, c.name)
		if err != nil || tags["team"] != "data" || glue.last()["ResourceArn"] != c.want {
			t.Errorf("%s: %v of %v, %v; want those of %s", name, tags, glue.last(), err, c.want)
		}
	}
}

// Setting tags makes the calls that are needed, and no other.
func TestSetTags(t *testing.T) {
	cases := map[string]struct {
		set    map[string]string
		remove []string
		calls  string
	}{
		"nothing":        {nil, nil, ""},
		"set":            {map[string]string{"a": "1"}, nil, "TagResource"},
		"remove":         {nil, []string{"b"}, "UntagResource"},
		"set and remove": {map[string]string{"a": "1"}, []string{"b"}, "UntagResource TagResource"},
	}
	for name, c := range cases {
		client, glue := serve(t, always(object{}))
		if err := client.SetTags(t.Context(), plan.JobEntity, "j", c.set, c.remove); err != nil || strings.Join(glue.made(), " ") != c.calls {
			t.Errorf("%s: %v, %v; want %s", name, glue.made(), err, c.calls)
		}
	}
}
