package reconcile

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
)

func catalogName(key string) string { return strings.TrimSuffix(path.Base(key), ".json") }

// catalogObjects finds what the execution is about. A missing catalog is an
// error of type CatalogInvalid.
func (r *Reconciler) catalogObjects(ctx context.Context, key string) ([]Object, error) {
	prefix := "catalogs/"
	if key != "" {
		if !strings.HasPrefix(key, prefix) || !strings.HasSuffix(key, ".json") || strings.Contains(strings.TrimPrefix(key, prefix), "/") {
			return nil, invalidCatalog(key, "the key of a catalog has the form catalogs/<name>.json", `start the state machine with {"catalog": "catalogs/hr.json"}, or with {} for all catalogs`)
		}
		prefix = key
	}
	objects, err := r.listCatalogs(ctx, prefix)
	if err != nil {
		return nil, err
	}
	if key != "" {
		objects = slices.DeleteFunc(objects, func(o Object) bool { return o.Key != key })
	}
	if len(objects) > 0 {
		return objects, nil
	}
	if key != "" {
		return nil, invalidCatalog(catalogName(key), "there is no object "+key+" in the artifacts bucket", "upload the catalog first")
	}
	return nil, invalidCatalog("catalogs/", "there is no catalog in the artifacts bucket", "upload one to catalogs/<name>.json")
}

// listCatalogs finds the catalogs whose keys begin with the prefix, drafts excepted.
func (r *Reconciler) listCatalogs(ctx context.Context, prefix string) ([]Object, error) {
	listed, err := r.Objects.List(ctx, prefix)
	return slices.DeleteFunc(listed, func(o Object) bool {
		name := strings.TrimPrefix(o.Key, "catalogs/")
		return !strings.HasSuffix(name, ".json") || strings.Contains(name, "/")
	}), err
}

func (r *Reconciler) parse(ctx context.Context, d catalog.StackDefaults, name string, o Object) (*catalog.Catalog, error) {
	if o.Size > catalog.MaxBytes {
		// Not read: a Lambda's memory is not the place to find out.
		return nil, invalidCatalog(name, fmt.Sprintf("the file has %d MiB; a catalog may have %d MiB", o.Size>>20, catalog.MaxBytes>>20), "split it into several catalogs")
	}
	data, err := r.readCatalog(ctx, o)
	if err != nil {
		return nil, err
	}
	return catalog.Parse(name, data, d)
}

func invalidCatalog(name, message, hint string) error {
	return &catalog.InvalidError{Name: name, Problems: []catalog.Problem{{Message: message, Hint: hint}}}
}
