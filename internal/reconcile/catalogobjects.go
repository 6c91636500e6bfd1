package reconcile

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/keys"
)

// ListCatalogs finds the catalogs whose keys begin with the prefix, drafts excepted.
func ListCatalogs(ctx context.Context, objects Reader, prefix string) ([]Object, error) {
	listed, err := objects.List(ctx, prefix)
	return slices.DeleteFunc(listed, func(o Object) bool {
		_, ok := keys.CatalogName(o.Key)
		return !ok
	}), err
}

// ParseCatalog reads and checks a catalog, or the draft in its place. What is
// wrong with it is a *catalog.InvalidError.
func ParseCatalog(ctx context.Context, objects Reader, d catalog.StackDefaults, name string, o Object) (*catalog.Catalog, error) {
	if o.Size > catalog.MaxBytes {
		// Not read: a Lambda's memory is not the place to find out.
		return nil, InvalidCatalog(name, fmt.Sprintf("the file has %d MiB; a catalog may have %d MiB", o.Size>>20, catalog.MaxBytes>>20), "split it into several catalogs")
	}
	key := o.Key
	if o.Draft != "" {
		key = o.Draft
	}
	data, err := objects.Get(ctx, key)
	if o.Draft != "" && errors.Is(err, ErrNotFound) {
		return nil, InvalidCatalog(name, "there is no object "+key+" in the artifacts bucket", "plan again")
	}
	if err != nil {
		return nil, err
	}
	return catalog.Parse(name, data, d)
}

// InvalidCatalog is an error of type CatalogInvalid with one problem.
func InvalidCatalog(name, message, hint string) error {
	return &catalog.InvalidError{Name: name, Problems: []catalog.Problem{{Message: message, Hint: hint}}}
}

// CatalogName is the name of the catalog, or of the catalog's lock, with the key.
func CatalogName(key string) string { return strings.TrimSuffix(path.Base(key), ".json") }
