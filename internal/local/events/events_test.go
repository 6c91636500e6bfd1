package events

import (
	"encoding/json"
	"strings"
	"testing"
)

const uploaded = `{"source":"aws.s3","detail-type":"Object Created","account":"123456789012","time":"2026-01-02T03:04:05Z",
"resources":["arn:aws:s3:::artifacts"],
"detail":{"bucket":{"name":"artifacts"},"object":{"key":"catalogs/hr.json","size":12},"reason":"PutObject","tags":["a","b"],"none":null}}`

func event(t *testing.T) map[string]any {
	t.Helper()
	var e map[string]any
	if err := json.Unmarshal([]byte(uploaded), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestMatches(t *testing.T) {
	cases := map[string]struct {
		reason  string
		pattern string
		want    bool
	}{
		"CDK":              {"the rule the CDK makes for S3", `{"source":["aws.s3"],"detail-type":["Object Created"],"detail":{"bucket":{"name":["artifacts"]},"object":{"key":[{"prefix":"catalogs/"}]}}}`, true},
		"OtherBucket":      {"every field has to match", `{"source":["aws.s3"],"detail":{"bucket":{"name":["raw"]}}}`, false},
		"AnyOfValues":      {"one value of the list is enough", `{"detail":{"reason":["CopyObject","PutObject"]}}`, true},
		"Number":           {"numbers match as numbers", `{"detail":{"object":{"size":[12.0]}}}`, true},
		"NumberNotText":    {"a number is not its text", `{"detail":{"object":{"size":["12"]}}}`, false},
		"Null":             {"null matches null", `{"detail":{"none":[null]}}`, true},
		"NullAbsent":       {"null is not absence", `{"detail":{"nothing":[null]}}`, false},
		"ArrayInEvent":     {"any element of an array matches", `{"detail":{"tags":["b"]}}`, true},
		"Wildcard":         {"an asterisk stands for any text", `{"detail":{"object":{"key":[{"wildcard":"catalogs/*.json"}]}}}`, true},
		"WildcardFolder":   {"also for a slash", `{"detail":{"object":{"key":[{"wildcard":"*.json"}]}}}`, true},
		"WildcardWhole":    {"a wildcard matches the whole text", `{"detail":{"object":{"key":[{"wildcard":"catalogs/*.js"}]}}}`, false},
		"WildcardLiteral":  {"an escaped asterisk is an asterisk", `{"detail":{"object":{"key":[{"wildcard":"catalogs/\\*.json"}]}}}`, false},
		"Prefix":           {"", `{"detail":{"object":{"key":[{"prefix":"raw/"}]}}}`, false},
		"Suffix":           {"", `{"detail":{"object":{"key":[{"suffix":".json"}]}}}`, true},
		"Exists":           {"", `{"detail":{"reason":[{"exists":true}]}}`, true},
		"ExistsNot":        {"", `{"detail":{"nothing":[{"exists":false}]}}`, true},
		"ExistsNotButDoes": {"", `{"detail":{"reason":[{"exists":false}]}}`, false},
		"Deeper":           {"a pattern may go deeper than the event", `{"detail":{"reason":{"a":["x"]}}}`, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Matches([]byte(c.pattern), event(t))
			if err != nil || got != c.want {
				t.Errorf("Matches(%s) = %v, %v; want %v: %s", c.pattern, got, err, c.want, c.reason)
			}
		})
	}
}

func TestMatchesRefuses(t *testing.T) {
	cases := map[string]struct{ pattern, want string }{
		"Malformed":       {`{`, "parse event pattern"},
		"NoList":          {`{"source":"aws.s3"}`, "source: the value of a field is a list"},
		"UnknownOperator": {`{"detail":{"reason":[{"cidr":"10.0.0.0/24"}]}}`, `detail: reason: operator "cidr" is not known`},
		"UnknownList":     {`{"detail":{"reason":[{"anything-but":["PutObject"]}]}}`, `detail: reason: operator "anything-but" is not known`},
		"Or":              {`{"detail":{"$or":[{"reason":["x"]},{"reason":["y"]}]}}`, `detail: $or: operator "reason"`},
		"Asterisks":       {`{"source":[{"wildcard":"a**"}]}`, "consecutive asterisks"},
		"Backslash":       {`{"source":[{"wildcard":"a\\b"}]}`, "a backslash stands before"},
		"TwoOperators":    {`{"source":[{"prefix":"a","suffix":"b"}]}`, "one operator, not 2"},
		"PrefixNumber":    {`{"source":[{"prefix":1}]}`, "prefix takes a string"},
		"EvenIfNoMatch":   {`{"source":["other"],"detail":{"reason":[{"cidr":"x"}]}}`, "not known"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			matched, err := Matches([]byte(c.pattern), event(t))
			if matched || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Matches(%s) = %v, %v; want an error with %q", c.pattern, matched, err, c.want)
			}
		})
	}
}

func TestPayload(t *testing.T) {
	cases := map[string]struct {
		reason string
		target Target
		want   string
	}{
		"Transformer": {
			"the CDK's form: a text outside quotes gets them",
			Target{InputPathsMap: map[string]string{"detail-object-key": "$.detail.object.key"}, InputTemplate: new(`{"catalog":<detail-object-key>}`)},
			`{"catalog":"catalogs/hr.json"}`,
		},
		"InsideString": {
			"within quotes the text only",
			Target{InputPathsMap: map[string]string{"k": "$.detail.object.key"}, InputTemplate: new(`{"message":"uploaded <k> \"now\""}`)},
			`{"message":"uploaded catalogs/hr.json \"now\""}`,
		},
		"Values": {
			"numbers, objects and array elements as JSON, an absent path as null",
			Target{
				InputPathsMap: map[string]string{"n": "$.detail.object.size", "o": "$.detail.bucket", "e": "$.detail.tags[1]", "x": "$.detail.nothing"},
				InputTemplate: new(`[<n>,<o>,<e>,<x>,"<unknown>"]`),
			},
			`[12,{"name":"artifacts"},"b",null,"<unknown>"]`,
		},
		"Predefined": {"", Target{RuleName: "r", RuleARN: "arn", InputTemplate: new(`[<aws.events.rule-name>,<aws.events.rule-arn>]`)}, `["r","arn"]`},
		"Input":      {"a constant", Target{Input: new(`{"dryRun":true}`)}, `{"dryRun":true}`},
		"InputPath":  {"a part of the event", Target{InputPath: new("$.detail.bucket")}, `{"name":"artifacts"}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := c.target.Payload(event(t))
			if err != nil || string(got) != c.want {
				t.Errorf("Payload() = %s, %v; want %s: %s", got, err, c.want, c.reason)
			}
		})
	}
	t.Run("WholeEvent", func(t *testing.T) {
		got, err := Target{}.Payload(event(t))
		want, _ := json.Marshal(event(t))
		if err != nil || string(got) != string(want) {
			t.Errorf("Payload() = %s, %v; want the event", got, err)
		}
	})
}

func TestPayloadRefuses(t *testing.T) {
	cases := map[string]struct {
		target Target
		want   string
	}{
		"BadPath":  {Target{InputPath: new("detail")}, "does not begin with $"},
		"BadStep":  {Target{InputPath: new("$.detail[*]")}, "cannot read"},
		"NotThere": {Target{InputPath: new("$.detail.nothing")}, "not in the event"},
		"NotJSON":  {Target{InputTemplate: new(`{"a":`)}, "gives no JSON"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := c.target.Payload(event(t))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Payload() = %s, %v; want an error with %q", got, err, c.want)
			}
		})
	}
}
