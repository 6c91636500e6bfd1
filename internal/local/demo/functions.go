package demo

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// logicalIDHash is what CDK adds to a construct's id.
var logicalIDHash = regexp.MustCompile(`[0-9A-F]{8}$`)

// showFunctions prints what the Lambda functions took: their ZIPs, and the
// memory of their processes on this machine.
func (d *demo) showFunctions(ctx context.Context) error {
	sizes := map[string]int64{}
	pages := lambda.NewListFunctionsPaginator(d.lambda, &lambda.ListFunctionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list functions: %w", err)
		}
		for _, f := range page.Functions {
			sizes[value(f.FunctionName)] = f.CodeSize
		}
	}
	var rows [][]string
	for _, s := range d.endpoint.Functions() {
		name, _, _ := strings.Cut(strings.TrimPrefix(s.Name, "Landfall-"), "-")
		name = logicalIDHash.ReplaceAllString(name, "")
		rows = append(rows, []string{name, fmt.Sprint(s.Invocations), fmt.Sprint(s.Failed), size(sizes[s.Name]), size(s.PeakMemory)})
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	d.page.section("Functions")
	d.page.table([]string{"FUNCTION", "INVOCATIONS", "FAILED", "ZIP", "PEAK MEMORY"}, map[int]bool{1: true, 2: true, 3: true, 4: true}, nil, rows)
	return nil
}
