package reconcile

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/keys"
)

// CatalogName is the name of the catalog with the key.
func CatalogName(key string) string { return strings.TrimSuffix(path.Base(key), ".json") }

// catalogObjects finds what the execution is about. A missing catalog is an
// error of type CatalogInvalid.
func (r *Reconciler) catalogObjects(ctx context.Context, key string) ([]Object, error) {
	prefix := keys.Catalogs
	if key != "" {
		if _, ok := keys.CatalogName(key); !ok {
			return nil, invalidCatalog(key, "the key of a catalog has the form catalogs/<name>.json", `start the state machine with {"catalog": "catalogs/hr.json"}, or with {} for all catalogs`)
		}
		prefix = key
	}
	objects, err := ListCatalogs(ctx, r.Objects, prefix)
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
		return nil, invalidCatalog(CatalogName(key), "there is no object "+key+" in the artifacts bucket", "upload the catalog first")
	}
	return nil, invalidCatalog(keys.Catalogs, "there is no catalog in the artifacts bucket", "upload one to catalogs/<name>.json")
}

// ListCatalogs finds the catalogs whose keys begin with the prefix, drafts excepted.
func ListCatalogs(ctx context.Context, objects Reader, prefix string) ([]Object, error) {
	listed, err := objects.List(ctx, prefix)
	return slices.DeleteFunc(listed, func(o Object) bool {
		_, ok := keys.CatalogName(o.Key)
		return !ok
	}), err
}

// ParseCatalog reads and checks a catalog. What is wrong with it is a *catalog.InvalidError.
func ParseCatalog(ctx context.Context, objects Reader, d catalog.StackDefaults, name string, o Object) (*catalog.Catalog, error) {
	if o.Size > catalog.MaxBytes {
		// Not read: a Lambda's memory is not the place to find out.
		return nil, invalidCatalog(name, fmt.Sprintf("the file has %d MiB; a catalog may have %d MiB", o.Size>>20, catalog.MaxBytes>>20), "split it into several catalogs")
	}
	data, err := readCatalog(ctx, objects, o)
	if err != nil {
		return nil, err
	}
	return catalog.Parse(name, data, d)
}

func invalidCatalog(name, message, hint string) error {
	return &catalog.InvalidError{Name: name, Problems: []catalog.Problem{{Message: message, Hint: hint}}}
}
