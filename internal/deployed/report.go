package deployed

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/report"
	"github.com/landfall/landfall/internal/s3"
)

// Reports reads the reports of an execution, one per catalog. There is none when
// the execution failed before it had loaded a catalog.
func (s *Stack) Reports(ctx context.Context, execution string) ([]report.CatalogReport, error) {
	var desired struct{ Catalogs []struct{ Name string } }
	if err := s.artifacts.GetJSON(ctx, keys.Desired(execution), &desired); err != nil {
		if errors.Is(err, s3.ErrNotFound) {
			return nil, nil
		}
		return nil, err
	}
	reports := make([]report.CatalogReport, len(desired.Catalogs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, c := range desired.Catalogs {
		group.Go(func() error {
			return s.artifacts.GetJSON(ctx, keys.Report(c.Name, execution, "report.json"), &reports[i])
		})
	}
	if err := group.Wait(); err != nil {
		if errors.Is(err, s3.ErrNotFound) {
			return nil, nil
		}
		return nil, err
	}
	return reports, nil
}

// ReportURI is the s3:// URI of the page of a report.
func (s *Stack) ReportURI(catalog, execution string) string {
	return s.artifacts.URI(keys.Report(catalog, execution, "report.html"))
}

// ConsoleURL is the execution in the AWS console; empty on a local endpoint, which has none.
func (s *Stack) ConsoleURL(executionARN string) string {
	if s.Config.BaseEndpoint != nil {
		return ""
	}
	return report.ExecutionURL(executionARN)
}
