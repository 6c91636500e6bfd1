package glue

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/landfall/landfall/internal/plan"
)

// Pages of the listings are as large as Glue makes them.
const (
	jobsPage     = 1000
	triggersPage = 200
)

// ListEntities implements planworkflows.Entities.
func (c *Client) ListEntities(ctx context.Context, kind string, tags map[string]string) ([]string, error) {
	var names []string
	var err error
	switch kind {
	case plan.JobEntity:
		pages := glue.NewListJobsPaginator(c.api, &glue.ListJobsInput{MaxResults: new(int32(jobsPage)), Tags: tags})
		names, err = all(ctx, pages, func(page *glue.ListJobsOutput) []string { return page.JobNames })
	case plan.CrawlerEntity:
		pages := glue.NewListCrawlersPaginator(c.api, &glue.ListCrawlersInput{MaxResults: new(int32(jobsPage)), Tags: tags})
		names, err = all(ctx, pages, func(page *glue.ListCrawlersOutput) []string { return page.CrawlerNames })
	case plan.TriggerEntity:
		pages := glue.NewListTriggersPaginator(c.api, &glue.ListTriggersInput{MaxResults: new(int32(triggersPage)), Tags: tags})
		names, err = all(ctx, pages, func(page *glue.ListTriggersOutput) []string { return page.TriggerNames })
	}
	return names, wrap(err, "list every", kind)
}

// paginator is what the SDK's paginators have in common.
type paginator[Page any] interface {
	HasMorePages() bool
	NextPage(ctx context.Context, options ...func(*glue.Options)) (*Page, error)
}

// all returns the names on every page.
func all[Page any](ctx context.Context, pages paginator[Page], namesOf func(*Page) []string) ([]string, error) {
	var names []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		names = append(names, namesOf(page)...)
	}
	return names, nil
}
