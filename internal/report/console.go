package report

import (
	"net/url"
	"strings"
)

// consoleDomains are the domains of the AWS console by partition. The host of a
// Region is a subdomain, which opens the console in that Region whichever Region
// the browser used before.
var consoleDomains = map[string]string{
	"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com",
}

// console makes links to the AWS console from an execution's ARN. For an unknown partition all links are empty.
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

// Workflows is the link to a workflow without its name, which the caller appends
// percent-encoded. AWS does not document the form; this is what the console shows.
func (c console) Workflows() string {
	if c.base == "" {
		return ""
	}
	return c.base + "/glue/home?region=" + c.Region + "#/v2/etl-configuration/workflows/view/"
}

// Workflow is the link to one workflow. Its name may contain any printable
// character; it is percent-encoded as report.js does it.
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

// ExecutionURL is the execution in the AWS console; empty for a partition without a known console.
func ExecutionURL(executionARN string) string { return newConsole(executionARN).Execution() }
