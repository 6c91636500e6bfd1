package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/reconcile"
)

func TestNotice(t *testing.T) {
	in := Input{ExecutionARN: "arn:x"}
	failures := func(n int) []Failure {
		return slices.Repeat([]Failure{{Type: "TableFailed", Catalog: "hr", Table: "hr.a", Tables: 1, names: "hr.a", Message: "no such role"}}, n)
	}
	for name, c := range map[string]struct {
		reason string
		result Result
		report []*CatalogReport
		want   *Notice
	}{
		"in sync": {
			reason: "an hourly execution that changes nothing must not send mail",
			result: Result{Counts: Counts{Unchanged: 9, Orphans: 1}, Reports: []string{"s3://b/hr"}},
			report: []*CatalogReport{{Catalog: "hr"}},
		},
		"dry run": {
			reason: "who asks for a plan reads the answer",
			result: Result{DryRun: true, Counts: Counts{Created: 9}, Failures: failures(1), Reports: []string{"s3://b/hr"}},
			report: []*CatalogReport{{Catalog: "hr"}},
		},
		"one of two catalogs changed": {
			reason: "what did not change is not named",
			result: Result{Counts: Counts{Updated: 2, Unchanged: 9}, Reports: []string{"s3://b/hr", "s3://b/sales"}},
			report: []*CatalogReport{{Catalog: "hr"}, {Catalog: "sales", Counts: Counts{Updated: 2}}},
			want:   &Notice{"Landfall sales: 2 updated", "2 updated\n\nreport: s3://b/sales\nexecution: arn:x"},
		},
		"more failures than a mail should hold": {
			reason: "the first few say what is wrong, the report has all",
			result: Result{Error: reconcile.TablesFailed, Counts: Counts{Failed: 6, Created: 1}, Failures: failures(6), Reports: []string{"s3://b/hr"}},
			report: []*CatalogReport{{Catalog: "hr", Status: "Failed"}},
			want: &Notice{"Landfall hr failed: 1 created, 6 failed", "1 created, 6 failed\n" +
				strings.Repeat("\nTableFailed hr hr.a: no such role\n", 5) + "\nand more; the report has all\n\nreport: s3://b/hr\nexecution: arn:x"},
		},
		"failed before there was a plan": {
			reason: "without counts the error's type is the subject",
			result: Result{Error: reconcile.Internal, Failures: []Failure{{Type: reconcile.Internal, Message: "access denied"}}},
			want:   &Notice{"Landfall failed: Internal", "Internal\n\nInternal: access denied\n\nexecution: arn:x"},
		},
		"a name beyond ASCII": {
			reason: "SNS refuses a subject that is not ASCII",
			result: Result{Counts: Counts{Deleted: 1}, Reports: []string{"s3://b/p"}},
			report: []*CatalogReport{{Catalog: "día", Counts: Counts{Deleted: 1}}},
			want:   &Notice{"Landfall d?a: 1 deleted", "1 deleted\n\nreport: s3://b/p\nexecution: arn:x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, notice(in, c.result, c.report)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

func TestASubjectFitsSNS(t *testing.T) {
	long := &CatalogReport{Catalog: strings.Repeat("n", 300), Counts: Counts{Created: 1}}
	got := notice(Input{}, Result{Counts: Counts{Created: 1}, Reports: []string{"s3://b/n"}}, []*CatalogReport{long})
	if len(got.Subject) >= 100 {
		t.Errorf("%d characters, SNS takes fewer than 100", len(got.Subject))
	}
}
