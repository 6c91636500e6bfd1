package demo

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/landfall/landfall/internal/humanize"
)

// logicalIDHash is what CDK adds to a construct's id.
var logicalIDHash = regexp.MustCompile(`[0-9A-F]{8}$`)

// showFunctions prints what the Lambda functions took: their ZIPs, and the
// memory of their processes on this machine.
func (d *demo) showFunctions(ctx context.Context) error {
	sizes := map[string]int64{}
	pages := lambda.NewListFunctionsPaginator(lambda.NewFromConfig(d.aws), &lambda.ListFunctionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list functions: %w", err)
		}
		for _, f := range page.Functions {
			sizes[aws.ToString(f.FunctionName)] = f.CodeSize
		}
	}
	var rows [][]string
	for _, s := range d.endpoint.Functions() {
		name, _, _ := strings.Cut(strings.TrimPrefix(s.Name, "Landfall-"), "-")
		name = logicalIDHash.ReplaceAllString(name, "")
		rows = append(rows, []string{name, fmt.Sprint(s.Invocations), fmt.Sprint(s.Failed), humanize.Bytes(sizes[s.Name]), humanize.Bytes(s.PeakMemory)})
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	d.section("Functions")
	d.table([]column{{"FUNCTION", false}, {"INVOCATIONS", true}, {"FAILED", true}, {"ZIP", true}, {"PEAK MEMORY", true}}, "", rows)
	return nil
}
