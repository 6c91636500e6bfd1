package discover_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/discover"
)

// added are two tables as a Source describes them.
func added() []discover.Proposal {
	column := discover.Column{Name: "updated_at", Type: "timestamp with time zone", TemporalType: discover.Instant, NotNull: true, Nulls: -1, Trigger: "touch", Index: "i"}
	return []discover.Proposal{
		discover.Propose(discover.Table{Schema: "hr", Name: "new", Kind: "table", Bytes: 1 << 20, Key: []string{"id"}, Columns: []discover.Column{{Name: "id"}, column}}),
		discover.Propose(discover.Table{Schema: "hr", Name: "keyless", Kind: "table", Bytes: 200 << 30, Columns: []discover.Column{column}}),
	}
}

// TestUpdateKeepsWhatIsThere: an update only ever inserts, in the form in which the catalog is written.
func TestUpdateKeepsWhatIsThere(t *testing.T) {
	cases := map[string]struct{ reason, before, after string }{
		"one line each": {
			"as Landfall writes it; what Defaults says is not said again",
			"{\n  \"Defaults\": { \"SecretName\": \"s\", \"Engine\": \"PythonShell\" },\n  \"WorkflowList\": [\n    { \"SourceTable\": \"hr.a\",   \"LoadType\":\"Full\" }\n  ],\n  \"Prune\": true\n}\n",
			"{\n  \"Defaults\": { \"SecretName\": \"s\", \"Engine\": \"PythonShell\" },\n  \"WorkflowList\": [\n    { \"SourceTable\": \"hr.a\",   \"LoadType\":\"Full\" },\n" +
				"    { \"SourceTable\": \"hr.new\", \"PrimaryKey\": [\"id\"] },\n" +
				"    { \"SourceTable\": \"hr.keyless\", \"MaxConnections\": 8, \"Engine\": \"Spark\", \"NumberOfWorkers\": 4 }\n  ],\n  \"Prune\": true\n}\n",
		},
		"a line for each key, tabs": {
			"as others write it; other secret, numbers as strings, an alias",
			"{\n\t\"WorkflowList\": [\n\t\t{\n\t\t\t\"SourceTable\": \"hr.a\",\n\t\t\t\"SecretName\": \"x\"\n\t\t}\n\t],\n\t\"Defaults\": {\"delta_col_name\": \"changed\", \"NumberOfWorkers\": \"4\", \"LookbackSeconds\": \"60\", \"PrimaryKey\": [\"id\"]}\n}",
			"{\n\t\"WorkflowList\": [\n\t\t{\n\t\t\t\"SourceTable\": \"hr.a\",\n\t\t\t\"SecretName\": \"x\"\n\t\t},\n" +
				"\t\t{\n\t\t\t\"SourceTable\": \"hr.new\",\n\t\t\t\"SecretName\": \"s\",\n\t\t\t\"DeltaColumnName\": \"updated_at\",\n\t\t\t\"Engine\": \"PythonShell\"\n\t\t},\n" +
				"\t\t{\n\t\t\t\"SourceTable\": \"hr.keyless\",\n\t\t\t\"SecretName\": \"s\",\n\t\t\t\"DeltaColumnName\": \"updated_at\",\n\t\t\t\"PrimaryKey\": [],\n\t\t\t\"LookbackSeconds\": 0,\n\t\t\t\"MaxConnections\": 8\n\t\t}\n" +
				"\t],\n\t\"Defaults\": {\"delta_col_name\": \"changed\", \"NumberOfWorkers\": \"4\", \"LookbackSeconds\": \"60\", \"PrimaryKey\": [\"id\"]}\n}",
		},
		"one line in all": {
			"as the AWS sample's generator writes it",
			`{"WorkflowList": [{"SourceTable": "hr.a", "SecretName": "s", "BlueprintParameters": {"WorkflowList": ["x]"]}}]}`,
			`{"WorkflowList": [{"SourceTable": "hr.a", "SecretName": "s", "BlueprintParameters": {"WorkflowList": ["x]"]}}` +
				`, { "SourceTable": "hr.new", "SecretName": "s", "PrimaryKey": ["id"], "Engine": "PythonShell" }` +
				`, { "SourceTable": "hr.keyless", "SecretName": "s", "MaxConnections": 8, "NumberOfWorkers": 4 }]}`,
		},
		"Windows": {
			"line ends and the byte-order mark stay",
			"\ufeff{\r\n  \"Defaults\": {\"SecretName\": \"s\", \"WorkflowName\": \"w\"},\r\n  \"WorkflowList\": [\r\n    {\"SourceTable\": \"hr.a\"}\r\n  ]\r\n}\r\n",
			"",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := discover.Update([]byte(c.before), "hr", "s", added())
			if c.after == "" {
				// Defaults names one workflow for all: no entry can be added, and nothing is.
				if err == nil || !strings.Contains(err.Error(), "what Defaults says does not fit the new tables") {
					t.Errorf("got error %v: %s", err, c.reason)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.after, string(got)); diff != "" {
				t.Errorf("%s: %s", c.reason, diff)
			}
			again, err := discover.Update(got, "hr", "s", nil)
			if err != nil || string(again) != string(got) {
				t.Errorf("an update with nothing new changes the catalog (%v)", err)
			}
		})
	}
}

func TestUpdateKeepsLineEnds(t *testing.T) {
	before := "\ufeff{\r\n  \"Defaults\": {\"SecretName\": \"s\"},\r\n  \"WorkflowList\": [\r\n    {\"SourceTable\": \"hr.a\"}\r\n  ]\r\n}\r\n"
	got, err := discover.Update([]byte(before), "hr", "s", added()[:1])
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(before, "\"hr.a\"}\r\n", "\"hr.a\"},\r\n    { \"SourceTable\": \"hr.new\", \"PrimaryKey\": [\"id\"], \"Engine\": \"PythonShell\" }\r\n", 1)
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestUpdateOfABadCatalog(t *testing.T) {
	_, err := discover.Update([]byte(`{"WorkflowList": [{"SourceTable": "hr.a"}]}`), "hr", "s", added())
	if err == nil || !strings.Contains(err.Error(), "SecretName") {
		t.Errorf("got error %v, want the catalog's own problems", err)
	}
}
