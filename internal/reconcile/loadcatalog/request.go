package loadcatalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/reconcile"
)

func checkRequest(in reconcile.Request) error {
	if p := in.PruneLimitPercent; p != nil && (*p < 0 || *p > 100) {
		return reconcile.InvalidCatalog(in.Catalog, fmt.Sprintf("the execution's input has pruneLimitPercent %d; want 0 to 100", *p), "")
	}
	if in.Blueprint != "" {
		if err := catalog.CheckBlueprint(in.Blueprint); err != nil {
			return reconcile.InvalidCatalog(in.Catalog, "the execution's input: "+err.Error(), "")
		}
	}
	return nil
}

// requested returns what the execution is about: the catalog, or all of them, or
// a draft that a dry run reads in the place of the catalog, which need not exist.
func (t *Task) requested(ctx context.Context, in reconcile.Request) ([]reconcile.Object, error) {
	key, draft := in.Catalog, in.Draft
	if draft == "" {
		return t.uploaded(ctx, key)
	}
	name := reconcile.CatalogName(key)
	switch {
	case !in.DryRun:
		return nil, reconcile.InvalidCatalog(name, "a draft is only for a dry run", "upload the catalog to "+key+" to deploy it")
	case key != keys.Catalog(name) || name == "":
		return nil, reconcile.InvalidCatalog(name, "a draft needs the key of its catalog", `start the state machine with {"dryRun": true, "catalog": "catalogs/hr.json", "draft": "`+draft+`"}`)
	case !strings.HasPrefix(draft, keys.Drafts) || strings.HasSuffix(draft, ".json"):
		return nil, reconcile.InvalidCatalog(name, "the key of a draft begins with "+keys.Drafts+" and does not end in .json", "")
	}
	listed, err := t.Objects.List(ctx, draft)
	if err != nil {
		return nil, err
	}
	for _, o := range listed {
		if o.Key == draft {
			return []reconcile.Object{{Key: key, Size: o.Size, Draft: draft}}, nil
		}
	}
	return nil, reconcile.InvalidCatalog(name, "there is no object "+draft+" in the artifacts bucket", "plan again: it may have been removed meanwhile")
}

// uploaded returns the catalog with the key, or every catalog when the key is
// empty. A missing catalog is an error of type CatalogInvalid.
func (t *Task) uploaded(ctx context.Context, key string) ([]reconcile.Object, error) {
	if key != "" && (key != keys.Catalog(reconcile.CatalogName(key)) || !strings.HasSuffix(key, ".json")) {
		return nil, reconcile.InvalidCatalog(key, "the key of a catalog has the form catalogs/<name>.json", `start the state machine with {"catalog": "catalogs/hr.json"}, or with {} for all catalogs`)
	}
	prefix := key
	if key == "" {
		prefix = "catalogs/"
	}
	objects, err := reconcile.ListCatalogs(ctx, t.Objects, prefix)
	if err != nil {
		return nil, err
	}
	if key != "" {
		objects = slices.DeleteFunc(objects, func(o reconcile.Object) bool { return o.Key != key })
	}
	if len(objects) > 0 {
		return objects, nil
	}
	if key != "" {
		return nil, reconcile.InvalidCatalog(reconcile.CatalogName(key), "there is no object "+key+" in the artifacts bucket", "upload the catalog first")
	}
	return nil, reconcile.InvalidCatalog("catalogs/", "there is no catalog in the artifacts bucket", "upload one to catalogs/<name>.json")
}
