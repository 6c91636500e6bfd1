package reconcile_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/landfall/landfall/internal/catalog"
	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/reconcile"
)

func TestLoadCatalogReadsADraftForADryRunOnly(t *testing.T) {
	cases := map[string]struct {
		reason, catalog, draft string
		dryRun                 bool
		refused                string
	}{
		"in the place of a catalog": {"what is uploaded is not looked at", "catalogs/hr.json", "catalogs/drafts/1/hr", true, ""},
		"of a new catalog":          {"a catalog is planned before its first upload", "catalogs/new.json", "catalogs/drafts/1/hr", true, ""},
		"deployed":                  {"a draft must never be applied", "catalogs/hr.json", "catalogs/drafts/1/hr", false, "only for a dry run"},
		"without a catalog":         {"the name says whose workflows it is about", "", "catalogs/drafts/1/hr", true, "needs the key of its catalog"},
		"from elsewhere":            {"the function may read catalogs only", "catalogs/hr.json", "executions/e/hr", true, "begins with catalogs/drafts/"},
		"that is gone":              {"the CLI was cut off and its draft removed", "catalogs/hr.json", "catalogs/drafts/2/hr", true, "there is no object"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newSystem(t, localglue.Unknowns{})
				w.upload("hr", false, table("hr.uploaded"))
				uploaded, err := w.object("catalogs/hr.json")
				if err != nil {
					t.Fatal(err)
				}
				w.put("catalogs/drafts/1/hr", []byte(strings.ReplaceAll(string(uploaded), "uploaded", "drafted")))
				in := reconcile.LoadCatalogInput{Execution: "e", ExecutionARN: "arn:e"}
				in.Input.Catalog, in.Input.Draft, in.Input.DryRun = c.catalog, c.draft, c.dryRun
				_, err = w.loadCatalog().LoadCatalog(t.Context(), in)
				if c.refused != "" {
					invalid, ok := errors.AsType[*catalog.InvalidError](err)
					if !ok || !strings.Contains(invalid.Error(), c.refused) {
						t.Errorf("%s: %v, want %q", c.reason, err, c.refused)
					}
					return
				}
				if err != nil {
					t.Fatalf("%s: %v", c.reason, err)
				}
				data, err := w.object("executions/e/desired.json")
				if err != nil {
					t.Fatal(err)
				}
				desired := string(data)
				if !strings.Contains(desired, "hr.drafted") || strings.Contains(desired, "hr.uploaded") != (c.catalog != "catalogs/hr.json") || !strings.Contains(desired, c.catalog) {
					t.Errorf("%s: loaded %s", c.reason, desired)
				}
			})
		})
	}
}

// All catalogs are the uploaded ones: a draft that lies about is none.
func TestLoadCatalogIgnoresDraftsOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.upload("hr", false, table("hr.uploaded"))
		w.put("catalogs/drafts/1/hr", []byte("{}"))
		in := reconcile.LoadCatalogInput{Execution: "e", ExecutionARN: "arn:e"}
		state, err := w.loadCatalog().LoadCatalog(t.Context(), in)
		if err != nil || len(state.Catalogs) != 1 || state.Catalogs[0] != "hr" {
			t.Errorf("loaded %v, %v", state.Catalogs, err)
		}
	})
}

// The first catalog of all can be planned before anything is uploaded.
func TestLoadCatalogReadsADraftWhereThereIsNoCatalog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSystem(t, localglue.Unknowns{})
		w.put("catalogs/drafts/1/hr", []byte(`{"WorkflowList": [{"SecretName": "s", `+table("hr.drafted")+`}]}`))
		in := reconcile.LoadCatalogInput{Execution: "e", ExecutionARN: "arn:e"}
		in.Input.Catalog, in.Input.Draft, in.Input.DryRun = "catalogs/hr.json", "catalogs/drafts/1/hr", true
		state, err := w.loadCatalog().LoadCatalog(t.Context(), in)
		if err != nil || len(state.Catalogs) != 1 || state.Tables != 1 {
			t.Errorf("loaded %v with %d tables, %v", state.Catalogs, state.Tables, err)
		}
	})
}
