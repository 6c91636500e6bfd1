package reconcile

import (
	"net/url"
	"strings"
)

// consoleHosts are the domains of the AWS console by partition.
var consoleHosts = map[string]string{
	"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com",
}

// consoleHost is the host of the AWS console of a Region; not ok for a partition that is not known.
func consoleHost(partition, region string) (host string, ok bool) {
	domain, ok := consoleHosts[partition]
	if !ok || region == "" {
		return "", false
	}
	if partition == "aws-us-gov" || partition == "aws-cn" {
		return domain, true // one host for all Regions
	}
	return region + "." + domain, true
}

// console makes links into the AWS console from an execution's ARN. It is empty, and so are its links, where there is no console.
type console struct{ base, Region, execution string }

func newConsole(executionARN string) console {
	parts := strings.Split(executionARN, ":")
	if len(parts) < 8 {
		return console{}
	}
	host, ok := consoleHost(parts[1], parts[3])
	if !ok {
		return console{}
	}
	return console{base: "https://" + host, Region: parts[3], execution: executionARN}
}

// Workflows is the link to a workflow, up to its name, which is to be appended percent-encoded.
func (c console) Workflows() string {
	if c.base == "" {
		return ""
	}
	return c.base + "/glue/home?region=" + c.Region + "#/v2/etl-configuration/workflows/view/"
}

// Workflow is the link to one workflow.
func (c console) Workflow(name string) string {
	if c.base == "" {
		return ""
	}
	return c.Workflows() + url.PathEscape(name)
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
