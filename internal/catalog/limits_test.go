package catalog_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/catalog"
)

// TestFilesThatAreNoCatalog covers what is found before any key is looked at: one problem, with its place.
func TestFilesThatAreNoCatalog(t *testing.T) {
	cases := map[string]struct{ reason, data, want string }{
		"empty":              {"an upload that failed", "", "line 1, column 1: the file is not JSON: it ends too early"},
		"blank":              {"nothing but lines", "\n\n", "line 3, column 1: the file is not JSON: it ends too early"},
		"cut off":            {"an upload that stopped", "{\n  \"WorkflowList\": [", "line 2, column 20: the file is not JSON: it ends too early"},
		"comma too many":     {"the most common slip", "{\"WorkflowList\": [1,\n]}", "line 2, column 1: the file is not JSON: invalid character ']' at start of value"},
		"comment":            {"JSON has none", "{} // tables", "line 1, column 4: the file is not JSON: more follows after the end of the catalog"},
		"single quotes":      {"Python's way", "{'a': 1}", `line 1, column 2: the file is not JSON: invalid character '\'' at start of string (expecting '"')`},
		"two values":         {"JSON lines", "{}\n{}", "line 2, column 1: the file is not JSON: more follows after the end of the catalog"},
		"half a surrogate":   {"no character at all", `{"a": "\ud800"}`, "line 1, column 8: the file is not JSON: invalid surrogate pair `\\ud800\"}` in string"},
		"Latin-1":            {"an old editor", "{\n\"ü\": \"\xfc\"}", "line 2, column 7: the file is not UTF-8; save it as UTF-8"},
		"UTF-16":             {"an old PowerShell", "\xff\xfe{\x00}\x00", "line 1, column 1: the file is not UTF-8; save it as UTF-8"},
		"a number":           {"JSON, but nothing to read", " 42", `line 1, column 2: the catalog is a number; want an object; begin with {"WorkflowList": [`},
		"nested beyond JSON": {"no limit may end in a crash", `{"WorkflowList":` + strings.Repeat("[", 100_000), "line 1, column 10016: the file is not JSON: exceeded max depth"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, p := range problems(t, c.data) {
				got = append(got, p.String())
			}
			if diff := cmp.Diff([]string{c.want}, got); diff != "" {
				t.Errorf("%s: %s", c.reason, diff)
			}
		})
	}
}

func TestColumnsCountCharacters(t *testing.T) {
	for name, data := range map[string]string{
		"byte-order mark":     "\xef\xbb\xbf{\"WorkflowList\": 1}",
		"characters of bytes": "{\"\u00fc\U0001F680\": 1, \"WorkflowList\": 1}",
	} {
		t.Run(name, func(t *testing.T) {
			all := problems(t, data)
			last := all[len(all)-1]
			plain := strings.NewReplacer("\u00fc", "u", "\U0001F680", "r", "\xef\xbb\xbf", "").Replace(data)
			if want := strings.LastIndex(plain, "1") + 1; last.Line != 1 || last.Column != want {
				t.Errorf("got line %d, column %d, want line 1, column %d", last.Line, last.Column, want)
			}
		})
	}
}

func TestTheSizeIsCheckedFirst(t *testing.T) {
	const good = `{"WorkflowList": [{"SourceTable": "hr.a", "SecretName": "s"}]}`
	largest := good + strings.Repeat(" ", catalog.MaxBytes-len(good))
	accepted(t, largest, catalog.StackDefaults{})

	// Not even JSON: nothing but the size is looked at.
	for _, size := range []int{catalog.MaxBytes + 1, 50 << 20} {
		got := problems(t, string(bytes.Repeat([]byte("x"), size)))
		want := []catalog.Problem{{Message: fmt.Sprintf("the file has %d bytes; a catalog may have 33554432 (32 MiB)", size), Hint: "split it into several catalogs"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAtMost200ProblemsAreListed(t *testing.T) {
	list := strings.TrimSuffix(strings.Repeat("7,\n", 250), ",\n")
	err := invalid(t, `{"Prune": 1, "WorkflowList": [`+list+`]}`, catalog.StackDefaults{})
	if len(err.Problems) != 200 || err.More != 51 {
		t.Fatalf("got %d problems and %d more, want 200 and 51", len(err.Problems), err.More)
	}
	if got := err.Problems[199]; got.Path != "WorkflowList[198]" || got.Line != 199 {
		t.Errorf("the last problem listed is %s", got)
	}
	text := err.Error()
	if !strings.HasPrefix(text, "catalog \"hr\" has 251 problems:\n  line 1, column 11: Prune: ") || !strings.HasSuffix(text, "\n  and 51 more") {
		t.Errorf("got the text:\n%s", text)
	}
}

func TestTheErrorNamesItsType(t *testing.T) {
	// The state machine matches this name.
	if got := (&catalog.InvalidError{}).ErrorType(); got != "CatalogInvalid" {
		t.Errorf("got %s, want CatalogInvalid", got)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	for name, entry := range map[string]string{
		"as the name":     `"SecretName": "{\"password\": \"hunter2\"}"`,
		"as a short name": `"SecretName": "hunter2!"`,
		"as an object":    `"SecretName": {"password": "hunter2"}`,
		"under its own":   `"SecretName": "s", "Password": "hunter2"`,
	} {
		t.Run(name, func(t *testing.T) {
			err := invalid(t, `{"WorkflowList": [{"SourceTable": "hr.a", `+entry+`}]}`, catalog.StackDefaults{})
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the secret is in the error: %v", err)
			}
		})
	}
}

func TestTenThousandEntries(t *testing.T) {
	c := accepted(t, manyEntries(10_000), catalog.StackDefaults{})
	if len(c.Tables) != 10_000 || c.Tables[9_999].SourceTable != "sales.table_9999" {
		t.Errorf("got %d tables, want 10000 in order", len(c.Tables))
	}
	if len(c.Warnings) != 1 {
		t.Errorf("got %d warnings, want one for all uses of an old name", len(c.Warnings))
	}
}

func BenchmarkTenThousandEntries(b *testing.B) {
	data := []byte(manyEntries(10_000))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := catalog.Parse("sales", data, catalog.StackDefaults{}); err != nil {
			b.Fatal(err)
		}
	}
}

// manyEntries is a catalog on one line, as the AWS sample's generator writes it.
func manyEntries(n int) string {
	var b strings.Builder
	b.WriteString(`{"WorkflowList": [`)
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, `{"WorkflowName": "land_%[1]d", "GlueExecutionRole": "arn:aws:iam::123456789012:role/landing-job", "NetworkConnectionName": "vpc", `+
			`"SecretName": "sales", "SourceTable": "sales.table_%[1]d", "DestinationBucketName": "raw-layer-123456789012", "DestinationFileCount": "1", `+
			`"delta_col_name": "changed", "S3PartitionColumnName": "", "JobScheduleType": "Cron", "ScheduleCronPattern": "%[2]d %[3]d * * ? *", "NumberOfWorkers": "2"}`, i, i%60, i%24)
	}
	b.WriteString("]}")
	return b.String()
}
