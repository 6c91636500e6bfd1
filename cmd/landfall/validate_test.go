package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The catalog that docs/catalog.md shows is refused with the text that follows it there.
func TestValidatePrintsWhatIsDocumented(t *testing.T) {
	docs, err := os.ReadFile("../../docs/catalog.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```json\n([^`]*)```\n\n```text\n(.*?)```").FindSubmatch(docs)
	if m == nil {
		t.Fatal("docs/catalog.md shows no refused catalog")
	}
	code, out, talk := landfall(t, "validate", writeCatalog(t, "hr", string(m[1])))
	if code != exitError || talk != "" {
		t.Errorf("exit code %d, stderr %q", code, talk)
	}
	if diff := cmp.Diff(string(m[2]), out); diff != "" {
		t.Errorf("(-docs +printed):\n%s", diff)
	}
}

func TestValidate(t *testing.T) {
	good := writeCatalog(t, "good", `{"WorkflowList": [{"SourceTable": "hr.a", "SecretName": "s", "delta_col_name": "x"}, {"SourceTable": "hr.b", "SecretName": "s"}]}`)
	bad := writeCatalog(t, "bad", `{"WorkflowList": [{"SourceTable": "hr\u001b[31m", "SecretNam": "s"}]}`)
	t.Chdir(t.TempDir()) // it needs no working copy
	code, out, talk := landfall(t, "validate", good)
	want := `catalog "good" is valid: 2 tables
  warning: line 1, column 62: WorkflowList[0].delta_col_name: is an old name of DeltaColumnName; write DeltaColumnName
`
	if code != exitOK || talk != "" || out != want {
		t.Errorf("exit code %d, %q, stderr %q; want %q", code, out, talk, want)
	}
	code, out, _ = landfall(t, "validate", good, bad)
	if code != exitError || !strings.Contains(out, `catalog "good" is valid`) || !strings.Contains(out, `catalog "bad" has`) || strings.Contains(out, "\x1b") {
		t.Errorf("of a good and a bad one: exit code %d\n%q", code, out)
	}
	code, out, _ = landfall(t, "validate", "--json", good, bad)
	var got []validated
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitError || len(got) != 2 {
		t.Fatalf("--json: exit code %d, %v\n%s", code, err, out)
	}
	if !got[0].Valid || got[0].Tables != 2 || len(got[0].Warnings) != 1 || got[1].Valid || len(got[1].Problems) == 0 || got[1].Problems[0].Path == "" {
		t.Errorf("--json: %s", out)
	}
	if code, _, talk := landfall(t, "validate", "nowhere.json"); code != exitError || !strings.Contains(talk, "nowhere.json") {
		t.Errorf("a file that is missing: exit code %d, %s", code, talk)
	}
}
