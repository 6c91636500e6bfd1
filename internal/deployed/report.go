package deployed

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/landfall/landfall/internal/report"
)

// Reports reads what an execution reported, one report per catalog. There is
// none when it failed before it had a catalog.
func (s *Stack) Reports(ctx context.Context, execution string) ([]report.CatalogReport, error) {
	var desired struct{ Catalogs []struct{ Name string } }
	if err := s.getJSON(ctx, "executions/"+execution+"/desired.json", &desired); err != nil {
		if errors.Is(err, ErrNoObject) {
			return nil, nil
		}
		return nil, err
	}
	reports := make([]report.CatalogReport, len(desired.Catalogs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, c := range desired.Catalogs {
		group.Go(func() error { return s.getJSON(ctx, ReportKey(c.Name, execution, "report.json"), &reports[i]) })
	}
	if err := group.Wait(); err != nil {
		if errors.Is(err, ErrNoObject) {
			return nil, nil
		}
		return nil, err
	}
	return reports, nil
}

// ReportKey is the key of a file of a report.
func ReportKey(catalog, execution, file string) string {
	return "reports/" + catalog + "/" + execution + "/" + file
}

// ReportURI is where the page of a report is.
func (s *Stack) ReportURI(catalog, execution string) string {
	return "s3://" + s.ArtifactsBucket + "/" + ReportKey(catalog, execution, "report.html")
}

// ConsoleURL is the execution in the AWS console; empty on a local endpoint, which has none.
func (s *Stack) ConsoleURL(executionARN string) string {
	if s.Config.BaseEndpoint != nil {
		return ""
	}
	return report.ExecutionURL(executionARN)
}
