package catalog_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/catalog"
)

// slips are mistakes in one entry, as the lines they put into it, and the path
// under the entry at which each must be reported, in the same order. No two
// concern the same key, so any set of them can be made together.
var slips = []struct{ lines, paths []string }{
	{[]string{`"WorkflowName": "a/b"`}, []string{".WorkflowName"}},
	{[]string{`"GlueExecutionRole": "arn:aws:iam::1:role/x"`}, []string{".GlueExecutionRole"}},
	{[]string{`"NetworkConnectionName": 5`}, []string{".NetworkConnectionName"}},
	{[]string{`"DestinationBucketName": "Raw"`}, []string{".DestinationBucketName"}},
	{[]string{`"DestinationFileFormat": "orc"`}, []string{".DestinationFileFormat"}},
	{[]string{`"DestinationFileCount": 0`}, []string{".DestinationFileCount"}},
	{[]string{`"DeltaColumnName": ""`, `"delta_col_name": "x"`}, []string{".DeltaColumnName", ".delta_col_name"}},
	{[]string{`"S3PartitionColumnName": "batch"`}, []string{".S3PartitionColumnName"}},
	{[]string{`"JobScheduleType": "Daily"`}, []string{".JobScheduleType"}},
	{[]string{`"ScheduleCronPattern": "0 0 * * * *"`}, []string{".ScheduleCronPattern"}},
	{[]string{`"NumberOfWorkers": "1"`}, []string{".NumberOfWorkers"}},
	{[]string{`"LoadType": "full"`}, []string{".LoadType"}},
	{[]string{`"PrimaryKey": ["a",`, `"",`, `7]`}, []string{"", ".PrimaryKey[1]", ".PrimaryKey[2]"}},
	{[]string{`"WorkerType": "G.8X"`}, []string{".WorkerType"}},
	{[]string{`"TimeoutMinutes": 1.5`}, []string{".TimeoutMinutes"}},
	{[]string{`"MaxRetries": null`}, []string{".MaxRetries"}},
	{[]string{`"Tags": {"aws:a": "",`, `"b": 1,`, `"c d": "\u0007"}`}, []string{".Tags.aws:a", ".Tags.b", `.Tags["c d"]`}},
	{[]string{`"Enabled": "true"`, `"Enabled": true`}, []string{".Enabled", ".Enabled"}},
	{[]string{`"MaxRetrys": 1`}, []string{".MaxRetrys"}},
	{[]string{`"Nonsense": {"Nonsense": []}`}, []string{".Nonsense"}},
	{[]string{`"Nonsense": 1`}, []string{".Nonsense"}},
	{[]string{`"Engine": "Glue"`}, []string{".Engine"}},
	{[]string{`"MaxCapacity": 0.5`}, []string{".MaxCapacity"}},
	{[]string{`"LagSeconds": -1`}, []string{".LagSeconds"}},
	{[]string{`"NullCursor": "Ignore"`}, []string{".NullCursor"}},
	{[]string{`"Types": {"Rule": "Drop",`, `"OutOfRange": "Decimal(1,1)"}`}, []string{".Types.Rule", ".Types.OutOfRange"}},
	{[]string{`"Columns": {"": {},`, `"a": [],`, `"b c": {"MaskWith": 1}}`}, []string{`.Columns[""]`, ".Columns.a", `.Columns["b c"].MaskWith`}},
}

// TestEveryMistakeIsReported puts random mistakes into random places of a
// catalog with one line per key, and wants exactly those back, each on its line.
func TestEveryMistakeIsReported(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 14))
	for round := range 300 {
		var lines, want []string
		add := func(path, line string) {
			lines = append(lines, line)
			if path != "" {
				want = append(want, fmt.Sprintf("line %d: %s", len(lines), path))
			}
		}
		mistakes := func(path string, n int) {
			for _, i := range random.Perm(len(slips))[:n] {
				for j, line := range slips[i].lines {
					at := slips[i].paths[j]
					if at != "" {
						at = path + at
					}
					if j+1 == len(slips[i].lines) || strings.HasPrefix(line, `"DeltaColumn`) || strings.HasPrefix(line, `"Enabled`) {
						line += ","
					}
					add(at, strings.ReplaceAll(line, ",,", ","))
				}
			}
		}
		add("", "{")
		add("", `"Defaults": {`)
		mistakes("Defaults", random.IntN(4))
		add("", `"SecretName": "landfall/hr"},`)
		if random.IntN(2) == 0 {
			add("Prune", `"Prune": "no",`)
		}
		add("", `"WorkflowList": [`)
		entries := random.IntN(8)
		for entry := range entries {
			path := fmt.Sprintf("WorkflowList[%d]", entry)
			switch random.IntN(6) {
			case 0:
				add(path, `"hr.jobs",`)
				continue
			case 1:
				add(path+".SourceTable", "{")
			case 2:
				add("", "{")
				add(path+".SourceTable", `"SourceTable": "jobs",`)
			default:
				add("", "{")
				add("", fmt.Sprintf(`"SourceTable": "hr.t%d",`, entry))
			}
			mistakes(path, random.IntN(5))
			add("", `"SecretName": "landfall/hr"},`)
		}
		add(fmt.Sprintf("WorkflowList[%d]", entries), "[]],")
		add("workflowlist", `"workflowlist": 0`)
		add("", "}")

		var got []string
		for _, p := range problems(t, strings.Join(lines, "\n")) {
			got = append(got, fmt.Sprintf("line %d: %s", p.Line, p.Path))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("round %d: %s\n%s", round, diff, strings.Join(lines, "\n"))
		}
	}
}

// FuzzParse: no input panics, and what is accepted is stable and allowed by the schema.
func FuzzParse(f *testing.F) {
	for _, folder := range []string{"good", "bad", "beyond-schema"} {
		for _, data := range corpus(f, folder) {
			f.Add(data)
		}
	}
	compiled := compile(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := catalog.Parse("hr", data, catalog.StackDefaults{})
		if err != nil {
			if len(problems(t, string(data))) == 0 || err.Error() == "" {
				t.Fatal("refused without a problem")
			}
			return
		}
		sameAgain(t, c)
		if err := compiled.Validate(instance(t, data)); err != nil {
			t.Errorf("Parse accepts what the schema refuses: %v", err)
		}
	})
}

func TestCanonicalFormParsesToTheSameTables(t *testing.T) {
	for name, data := range corpus(t, "good") {
		t.Run(name, func(t *testing.T) {
			c := accepted(t, string(data), catalog.StackDefaults{})
			sameAgain(t, c)
			if err := compile(t).Validate(instance(t, c.Canonical())); err != nil {
				t.Errorf("the schema refuses the canonical form: %v", err)
			}
		})
	}
}

func sameAgain(t *testing.T, c *catalog.Catalog) {
	t.Helper()
	again, err := catalog.Parse(c.Name, c.Canonical(), catalog.StackDefaults{})
	if err != nil {
		t.Fatalf("the canonical form is refused: %v\n%s", err, c.Canonical())
	}
	data, err := json.Marshal(c.Tables)
	if err != nil {
		t.Fatal(err)
	}
	var decoded []catalog.Table
	if err := json.Unmarshal(data, &decoded); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.Tables, decoded); diff != "" {
		t.Errorf("a table's JSON is another table: %s", diff)
	}
	if diff := cmp.Diff(c.Tables, again.Tables); diff != "" || c.Prune != again.Prune {
		t.Errorf("the canonical form is another catalog: %s", diff)
	}
}
