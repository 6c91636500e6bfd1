package report

import (
	"net/url"
	"strings"
)

// consoleDomains are the domains of the AWS console by partition. Each Region has
// a host of its own below them, which opens the console in that Region whatever
// the browser's session was in.
var consoleDomains = map[string]string{
	"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com",
}

// console makes links into the AWS console from an execution's ARN. It is empty, and so are its links, where there is no console.
type console struct{ base, Region, execution string }

func newConsole(executionARN string) console {
	parts := strings.Split(executionARN, ":")
	if len(parts) < 8 {
		return console{}
	}
	domain, region := consoleDomains[parts[1]], parts[3]
	if domain == "" || region == "" {
		return console{}
	}
	return console{base: "https://" + region + "." + domain, Region: region, execution: executionARN}
}

// Workflows is the link to a workflow, up to its name, which is to be appended
// percent-encoded. AWS documents no form; this is the one that the console shows.
func (c console) Workflows() string {
	if c.base == "" {
		return ""
	}
	return c.base + "/glue/home?region=" + c.Region + "#/v2/etl-configuration/workflows/view/"
}

// Workflow is the link to one workflow. Its name may hold any printable
// character (glue.md §2.5); all but the plainest are percent-encoded, as report.js does.
func (c console) Workflow(name string) string {
	if c.base == "" {
		return ""
	}
	return c.Workflows() + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}

// Execution is the link to the execution.
func (c console) Execution() string {
	if c.base == "" {
		return ""
	}
	return c.base + "/states/home?region=" + c.Region + "#/v2/executions/details/" + c.execution
}

// ExecutionURL is the execution in the AWS console; empty when the ARN is of no partition that has one.
func ExecutionURL(executionARN string) string { return newConsole(executionARN).Execution() }
