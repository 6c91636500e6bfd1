package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
)

// ListCatalogs finds the catalogs whose keys begin with the prefix, drafts excepted.
func ListCatalogs(ctx context.Context, objects Reader, prefix string) ([]Object, error) {
	listed, err := objects.List(ctx, prefix)
	return slices.DeleteFunc(listed, func(o Object) bool {
		name := strings.TrimPrefix(o.Key, catalogsPrefix)
		return !strings.HasSuffix(name, ".json") || strings.Contains(name, "/")
	}), err
}

// ParseCatalog reads and checks a catalog, or the draft in its place. What is
// wrong with it is a *catalog.InvalidError.
func ParseCatalog(ctx context.Context, objects Reader, d catalog.Deployment, name string, o Object) (*catalog.Catalog, error) {
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
