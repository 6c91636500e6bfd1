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

// paginator is one of the SDK's.
type paginator[Page any] interface {
	HasMorePages() bool
	NextPage(ctx context.Context, options ...func(*glue.Options)) (Page, error)
}

func collect[Page any](ctx context.Context, pages paginator[Page], names func(Page) []string) ([]string, error) {
	var all []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, names(page)...)
	}
	return all, nil
}

// ListEntities implements planworkflows.Entities.
func (c *Client) ListEntities(ctx context.Context, kind string, tags map[string]string) (names []string, err error) {
	switch kind {
	case plan.JobEntity:
		names, err = collect(ctx, glue.NewListJobsPaginator(c.api, &glue.ListJobsInput{MaxResults: new(int32(jobsPage)), Tags: tags}),
			func(page *glue.ListJobsOutput) []string { return page.JobNames })
	case plan.CrawlerEntity:
		names, err = collect(ctx, glue.NewListCrawlersPaginator(c.api, &glue.ListCrawlersInput{MaxResults: new(int32(jobsPage)), Tags: tags}),
			func(page *glue.ListCrawlersOutput) []string { return page.CrawlerNames })
	case plan.TriggerEntity:
		names, err = collect(ctx, glue.NewListTriggersPaginator(c.api, &glue.ListTriggersInput{MaxResults: new(int32(triggersPage)), Tags: tags}),
			func(page *glue.ListTriggersOutput) []string { return page.TriggerNames })
	}
	return names, wrap(err, "list every", kind)
}
