package catalog_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/landfall/landfall/internal/catalog"
)

func TestSplitTable(t *testing.T) {
	cases := map[string]struct{ reason, in, schema, table, canonical string }{
		"plain":           {"the common form", "hr.employees", "hr", "employees", "hr.employees"},
		"needless quotes": {"the same table, so the same text", `"hr"."employees"`, "hr", "employees", "hr.employees"},
		"case":            {"names are taken as they are", `Hr."Employees"`, "Hr", "Employees", "Hr.Employees"},
		"dot":             {"a dot inside needs quotes", `"my.schema".t`, "my.schema", "t", `"my.schema".t`},
		"double quote":    {"doubled inside quotes", `hr."say ""hi"""`, "hr", `say "hi"`, `hr."say ""hi"""`},
		"space inside":    {"no quotes needed", "hr.old table", "hr", "old table", "hr.old table"},
		"space at an end": {"only quotes make it meant", `hr." t "`, "hr", " t ", `hr." t "`},
		"reserved word":   {"quoting SQL is the job's affair", "hr.order", "hr", "order", "hr.order"},
		"any character":   {"PostgreSQL takes them all", "hr.a\nb;--ü'$", "hr", "a\nb;--ü'$", "hr.a\nb;--ü'$"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			schema, table, err := catalog.SplitTable(c.in)
			if err != nil || schema != c.schema || table != c.table {
				t.Errorf("SplitTable(%s) = %q, %q, %v, want %q, %q: %s", c.in, schema, table, err, c.schema, c.table, c.reason)
			}
			parsed := accepted(t, fmt.Sprintf(`{"WorkflowList": [{"SecretName": "s", "SourceTable": %s}]}`, jsonString(t, c.in)), catalog.StackDefaults{})
			if got := parsed.Tables[0].SourceTable; got != c.canonical {
				t.Errorf("canonical form: got %s, want %s: %s", got, c.canonical, c.reason)
			}
		})
	}
}

// TestEveryIdentifierHasOneForm: whatever a database calls its tables, a
// catalog can say it, and the canonical form leads back to it.
func TestEveryIdentifierHasOneForm(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("aB.\" \t'é🚀$-")
	name := func() string {
		runes := make([]rune, 1+random.IntN(8))
		for i := range runes {
			runes[i] = alphabet[random.IntN(len(alphabet))]
		}
		return string(runes)
	}
	double := func(s string) string {
		quoted := `"`
		for _, r := range s {
			if r == '"' {
				quoted += `"`
			}
			quoted += string(r)
		}
		return quoted + `"`
	}
	for range 2000 {
		schema, table := name(), name()
		data := []byte(`{"WorkflowList": [{"SecretName": "s", "WorkflowName": "w", "SourceTable": ` + jsonString(t, double(schema)+"."+double(table)) + `}]}`)
		c, err := catalog.Parse("hr", data, catalog.StackDefaults{})
		if err != nil {
			t.Fatal(err)
		}
		gotSchema, gotTable, err := catalog.SplitTable(c.Tables[0].SourceTable)
		if err != nil || gotSchema != schema || gotTable != table {
			t.Fatalf("%q.%q became %s, which is %q, %q, %v", schema, table, c.Tables[0].SourceTable, gotSchema, gotTable, err)
		}
	}
}

func jsonString(t *testing.T, s string) string {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
