package local

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/google/uuid"

	"github.com/landfall/landfall/internal/local/events"
)

// rule is an enabled EventBridge rule with an event pattern.
type rule struct {
	name, arn, pattern string
}

// uploads turns uploads into EventBridge's "Object Created" events and starts the state machines of matching rules:
// moto does neither.
type uploads struct {
	clients clients
	log     *slog.Logger
	ctx     context.Context
	cancel  context.CancelFunc
	pending sync.WaitGroup

	mu     sync.Mutex
	closed bool
	rules  []rule
	known  bool
	age    int // counts forgetRules, so that a list read meanwhile is not kept
}

func newUploads(c clients, log *slog.Logger) *uploads {
	ctx, cancel := context.WithCancel(context.Background())
	return &uploads{clients: c, log: log, ctx: ctx, cancel: cancel}
}

func (u *uploads) close() {
	u.mu.Lock()
	u.closed = true
	u.mu.Unlock()
	u.cancel()
	u.pending.Wait()
}

// forgetRules is called around every request that may change a rule.
func (u *uploads) forgetRules() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.known, u.rules = false, nil
	u.age++
}

// seen delivers the event of an upload, after it and without delaying its answer.
func (u *uploads) seen(o upload) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return
	}
	u.pending.Go(func() {
		if err := u.deliver(u.ctx, o); err != nil && u.ctx.Err() == nil {
			u.log.Error("event delivery failed", "bucket", o.bucket, "key", o.key, "error", err)
		}
	})
}

func (u *uploads) deliver(ctx context.Context, o upload) error {
	rules, err := u.currentRules(ctx)
	if err != nil {
		return err
	}
	// The cheap fields first: most uploads match no rule, and the others ask S3 for the rest.
	event := objectCreated(o)
	for _, r := range rules {
		matched, err := events.Matches([]byte(r.pattern), event)
		if err != nil {
			return fmt.Errorf("rule %q: %w", r.name, err)
		}
		if !matched {
			continue
		}
		enabled, err := u.sendsEvents(ctx, o.bucket)
		if err != nil {
			return err
		}
		if !enabled {
			u.log.Warn("no event: EventBridge notifications are off for the bucket", "bucket", o.bucket, "rule", r.name)
			return nil
		}
		if err := u.describe(ctx, o, event); err != nil {
			return err
		}
		if err := u.fire(ctx, r, event); err != nil {
			return err
		}
	}
	return nil
}

// sendsEvents reports whether the bucket's EventBridge notifications are on.
func (u *uploads) sendsEvents(ctx context.Context, bucket string) (bool, error) {
	n, err := u.clients.s3.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: &bucket})
	if err != nil {
		return false, fmt.Errorf("get notifications of bucket %q: %w", bucket, err)
	}
	return n.EventBridgeConfiguration != nil, nil
}

// objectCreated is the event of the S3 User Guide, "EventBridge event message structure".
func objectCreated(o upload) map[string]any {
	return map[string]any{
		"version": "0", "id": uuid.NewString(), "detail-type": "Object Created", "source": "aws.s3",
		"account": AccountID, "time": time.Now().UTC().Format(time.RFC3339), "region": DefaultRegion,
		"resources": []any{"arn:aws:s3:::" + o.bucket},
		"detail": map[string]any{
			"version": "0", "bucket": map[string]any{"name": o.bucket},
			"object":     map[string]any{"key": o.key, "sequencer": fmt.Sprintf("%016X", time.Now().UnixNano())},
			"request-id": uuid.NewString(), "requester": AccountID, "source-ip-address": "127.0.0.1", "reason": o.reason,
		},
	}
}

// describe adds what only S3 knows about the object.
func (u *uploads) describe(ctx context.Context, o upload, event map[string]any) error {
	head, err := u.clients.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &o.bucket, Key: &o.key})
	if err != nil {
		return fmt.Errorf("head s3://%s/%s: %w", o.bucket, o.key, err)
	}
	object := event["detail"].(map[string]any)["object"].(map[string]any)
	object["size"] = float64(value(head.ContentLength))
	object["etag"] = strings.Trim(value(head.ETag), `"`)
	if head.VersionId != nil {
		object["version-id"] = *head.VersionId
	}
	return nil
}

func (u *uploads) currentRules(ctx context.Context) ([]rule, error) {
	u.mu.Lock()
	rules, known, age := u.rules, u.known, u.age
	u.mu.Unlock()
	if known {
		return rules, nil
	}
	var token *string
	for {
		page, err := u.clients.eventbridge.ListRules(ctx, &eventbridge.ListRulesInput{NextToken: token})
		if err != nil {
			return nil, fmt.Errorf("list rules: %w", err)
		}
		for _, r := range page.Rules {
			if r.EventPattern != nil && r.State != types.RuleStateDisabled {
				rules = append(rules, rule{name: value(r.Name), arn: value(r.Arn), pattern: *r.EventPattern})
			}
		}
		if token = page.NextToken; token == nil {
			break
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.age == age {
		u.rules, u.known = rules, true
	}
	return rules, nil
}

// fire starts the state machines that are targets of the rule.
func (u *uploads) fire(ctx context.Context, r rule, event map[string]any) error {
	targets, err := u.clients.eventbridge.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: &r.name})
	if err != nil {
		return fmt.Errorf("list targets of rule %q: %w", r.name, err)
	}
	for _, t := range targets.Targets {
		arn := value(t.Arn)
		if !strings.Contains(arn, ":states:") || !strings.Contains(arn, ":stateMachine:") {
			u.log.Warn("rule target ignored: only state machines are started", "rule", r.name, "target", arn)
			continue
		}
		input, err := targetOf(r, t).Payload(event)
		if err != nil {
			return fmt.Errorf("rule %q: target %q: %w", r.name, value(t.Id), err)
		}
		name := fmt.Sprintf("%s_%s", event["id"], uuid.NewString())
		_, err = u.clients.sfn.StartExecution(ctx, &sfn.StartExecutionInput{
			StateMachineArn: &arn, Name: new(name[:min(len(name), 80)]), Input: new(string(input)),
		})
		if err != nil {
			return fmt.Errorf("rule %q: start execution: %w", r.name, err)
		}
		u.log.Info("execution started by upload", "rule", r.name, "input", string(input))
	}
	return nil
}

func targetOf(r rule, t types.Target) events.Target {
	target := events.Target{Input: t.Input, InputPath: t.InputPath, RuleARN: r.arn, RuleName: r.name}
	if t.InputTransformer != nil {
		target.InputPathsMap = t.InputTransformer.InputPathsMap
		target.InputTemplate = t.InputTransformer.InputTemplate
	}
	return target
}
