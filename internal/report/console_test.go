package report

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

func TestConsoleLinks(t *testing.T) {
	const workflow = "/glue/home?region=%s#/v2/etl-configuration/workflows/view/"
	cases := map[string]struct{ reason, arn, region, host string }{
		"commercial": {"a host per Region", "arn:aws:states:eu-west-1:123456789012:execution:m:e", "eu-west-1", "eu-west-1.console.aws.amazon.com"},
		"China":      {"a domain of its own", "arn:aws-cn:states:cn-north-1:123456789012:execution:m:e", "cn-north-1", "cn-north-1.console.amazonaws.cn"},
		"GovCloud":   {"a domain of its own", "arn:aws-us-gov:states:us-gov-west-1:123456789012:execution:m:e", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"},
		"unknown":    {"a wrong link is worse than none", "arn:aws-iso:states:us-iso-east-1:123456789012:execution:m:e", "", ""},
		"no Region":  {"a wrong link is worse than none", "arn:aws:states::123456789012:execution:m:e", "", ""},
		"no ARN":     {"a local execution", "e1", "", ""},
	}
	for name, c := range cases {
		wantWorkflow, wantExecution := "", ""
		if c.host != "" {
			wantWorkflow = "https://" + c.host + strings.ReplaceAll(workflow, "%s", c.region) + "a"
			wantExecution = "https://" + c.host + "/states/home?region=" + c.region + "#/v2/executions/details/" + c.arn
		}
		if got := newConsole(c.arn).Workflow("a"); got != wantWorkflow {
			t.Errorf("%s (%s): %q, want %q", name, c.reason, got, wantWorkflow)
		}
		if got := ExecutionURL(c.arn); got != wantExecution {
			t.Errorf("%s (%s): %q, want %q", name, c.reason, got, wantExecution)
		}
	}
}

// Whatever a workflow is called, the link in the page leads to it and nowhere else.
func TestLinksToWorkflowsOfOddNames(t *testing.T) {
	link := regexp.MustCompile(`<a href="([^"]*)" rel="noreferrer">workflow</a>`)
	for _, name := range append(hostile, "a b", "a/b", "a#b?c=d&e", "50%", "a+b", "größe", "日本", "..", "a\\b") {
		report := sampleReport(1, false)
		report.Tables = []Row{{Table: "hr.a", Workflow: name, Action: plan.Update, Status: reconcile.Done}}
		found := link.FindStringSubmatch(render(t, report))
		if found == nil {
			t.Errorf("%q: the page has no link", name)
			continue
		}
		to, err := url.Parse(html.UnescapeString(found[1]))
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if want := "/v2/etl-configuration/workflows/view/" + name; to.Host != "eu-west-1.console.aws.amazon.com" || to.Path != "/glue/home" || to.Query().Get("region") != "eu-west-1" || to.Fragment != want {
			t.Errorf("%q leads to %s, fragment %q", name, to, to.Fragment)
		}
		if strings.ContainsAny(strings.TrimPrefix(to.EscapedFragment(), "/v2/etl-configuration/workflows/view/"), "/?#&") {
			t.Errorf("%q: the name is cut up in %s", name, to)
		}
	}
}
