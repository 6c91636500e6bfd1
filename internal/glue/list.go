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

// List implements reconcile.Entities.
func (c *Client) List(ctx context.Context, kind string, tags map[string]string) ([]string, error) {
	var names []string
	add := func(page []string, err error) error {
		names = append(names, page...)
		return wrap(err, "list every", kind)
	}
	switch kind {
	case plan.JobEntity:
		pages := glue.NewListJobsPaginator(c.api, &glue.ListJobsInput{MaxResults: new(int32(jobsPage)), Tags: tags})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, add(nil, err)
			}
			_ = add(page.JobNames, nil)
		}
	case plan.CrawlerEntity:
		pages := glue.NewListCrawlersPaginator(c.api, &glue.ListCrawlersInput{MaxResults: new(int32(jobsPage)), Tags: tags})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, add(nil, err)
			}
			_ = add(page.CrawlerNames, nil)
		}
	case plan.TriggerEntity:
		pages := glue.NewListTriggersPaginator(c.api, &glue.ListTriggersInput{MaxResults: new(int32(triggersPage)), Tags: tags})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, add(nil, err)
			}
			_ = add(page.TriggerNames, nil)
		}
	}
	return names, nil
}
