package reconcile

import (
	"context"
	"errors"
	"strings"

	"github.com/landfall/landfall/internal/keys"
)

// requested is what the execution is about: the catalog, or all of them, or a
// draft that a dry run takes in the place of the catalog, which need not exist.
func (r *Reconciler) requested(ctx context.Context, in Request) ([]Object, error) {
	key, draft := in.Catalog, in.Draft
	if draft == "" {
		return r.catalogObjects(ctx, key)
	}
	name := CatalogName(key)
	switch {
	case !in.DryRun:
		return nil, invalidCatalog(name, "a draft is only for a dry run", "upload the catalog to "+key+" to deploy it")
	case key != keys.Catalog(name) || name == "":
		return nil, invalidCatalog(name, "a draft needs the key of its catalog", `start the state machine with {"dryRun": true, "catalog": "catalogs/hr.json", "draft": "`+draft+`"}`)
	case !strings.HasPrefix(draft, keys.Drafts) || strings.HasSuffix(draft, ".json"):
		return nil, invalidCatalog(name, "the key of a draft begins with "+keys.Drafts+" and does not end in .json", "")
	}
	listed, err := r.Objects.List(ctx, draft)
	if err != nil {
		return nil, err
	}
	for _, o := range listed {
		if o.Key == draft {
			return []Object{{Key: key, Size: o.Size, from: draft}}, nil
		}
	}
	return nil, invalidCatalog(name, "there is no object "+draft+" in the artifacts bucket", "plan again: it may have been removed meanwhile")
}

// readCatalog reads a catalog, or the draft in its place.
func readCatalog(ctx context.Context, objects Reader, o Object) ([]byte, error) {
	if o.from == "" {
		return objects.Get(ctx, o.Key)
	}
	data, err := objects.Get(ctx, o.from)
	if errors.Is(err, ErrNotFound) {
		return nil, invalidCatalog(CatalogName(o.Key), "there is no object "+o.from+" in the artifacts bucket", "plan again")
	}
	return data, err
}
