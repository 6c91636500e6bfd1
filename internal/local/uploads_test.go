package local

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

// testUploads: each way to make an object starts the state machine, by the deployed rule and nothing else.
func testUploads(t *testing.T, e *Endpoint, objects *s3.Client, stack map[string]string) {
	client := sfn.NewFromConfig(config(e))
	before := len(executions(t, client, stack["Machine"], 0))
	b := stack["Bucket"]
	put(t, objects, b, "other/not.json", "{}")
	put(t, objects, b, "catalogs/not.csv", "{}")
	put(t, objects, stack["QuietBucket"], "catalogs/not.json", "{}") // its notifications are off
	put(t, objects, "assets", "catalogs/not.json", "{}")             // not in the rule
	put(t, objects, b, "catalogs/put.json", "{}")
	put(t, objects, stack["CustomBucket"], "catalogs/custom.json", "{}")
	_, err := objects.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: &b, Key: new("catalogs/copy.json"), CopySource: new("assets/catalogs/not.json")})
	if err != nil {
		t.Fatal(err)
	}
	multipart(t, objects, b, "catalogs/multi part.json")
	_, err = objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &b, Key: new("catalogs/put.json"), Body: strings.NewReader("x"), IfNoneMatch: new("*")})
	if err == nil {
		t.Error("a conditional put over an object succeeded")
	}
	got := executions(t, client, stack["Machine"], before+4)
	for _, key := range []string{"put", "custom", "copy", "multi part"} {
		if outcome := got[`{"Do":"catalogs/`+key+`.json"}`]; !strings.HasPrefix(outcome, "SUCCEEDED") {
			t.Errorf("upload of %s: %q in %v", key, outcome, got)
		}
	}
	if len(got) != before+4 {
		t.Errorf("%d executions, want %d: %v", len(got), before+4, got)
	}
}

func multipart(t *testing.T, objects *s3.Client, bucket, key string) {
	t.Helper()
	started, err := objects.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	part, err := objects.UploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: &bucket, Key: &key, UploadId: started.UploadId, PartNumber: new(int32(1)), Body: strings.NewReader("{}"),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = objects.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: &bucket, Key: &key, UploadId: started.UploadId,
		MultipartUpload: &s3types.CompletedMultipartUpload{Parts: []s3types.CompletedPart{{ETag: part.ETag, PartNumber: new(int32(1))}}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRuleOfTheEventBridgeAPI pins that a rule takes effect at once.
func TestRuleOfTheEventBridgeAPI(t *testing.T) {
	e := endpoint(t)
	machines, rules := sfn.NewFromConfig(config(e)), eventbridge.NewFromConfig(config(e))
	objects := bucket(t, e, "ruled")
	_, err := objects.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: new("ruled"), NotificationConfiguration: &s3types.NotificationConfiguration{EventBridgeConfiguration: &s3types.EventBridgeConfiguration{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	machine, err := machines.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name: new("ruled"), RoleArn: new("arn:aws:iam::123456789012:role/r"), Definition: new(`{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	putRule(t, rules, `{"source":["aws.s3"],"detail":{"bucket":{"name":["ruled"]}}}`, value(machine.StateMachineArn))
	put(t, objects, "ruled", "after", "")
	got := executions(t, machines, value(machine.StateMachineArn), 1)
	if _, ok := got[`"after"`]; !ok || len(got) != 1 {
		t.Errorf("executions: %v", got)
	}
}

func putRule(t *testing.T, rules *eventbridge.Client, pattern, target string) {
	t.Helper()
	if _, err := rules.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: new("ruled"), EventPattern: &pattern}); err != nil {
		t.Fatal(err)
	}
	_, err := rules.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
		Rule: new("ruled"), Targets: []eventtypes.Target{{Id: new("t"), Arn: &target, InputPath: new("$.detail.object.key")}},
	})
	if err != nil {
		t.Fatal(err)
	}
}
