package report

import (
	"fmt"
	"strings"

	"github.com/landfall/landfall/internal/reconcile"
)

// Notice is the message that an execution sends to the subscribers of the topic.
type Notice struct {
	// Subject is ASCII, one line, shorter than 100 characters: SNS takes no other.
	Subject string `json:"subject"`
	Message string `json:"message"`
}

// Limits of a notice, which is read in a mail or a chat; the report has the rest.
const (
	noticeSubject  = 99
	noticeFailures = 5
	noticeReports  = 5
)

// notice returns nil for a dry run and for an execution that found everything in sync.
func notice(in Input, result Result, reports []*CatalogReport) *Notice {
	failed := len(result.Failures) > 0
	if result.DryRun || (!failed && !result.Counts.changed()) {
		return nil
	}
	var names, pages []string
	for i, report := range reports {
		if report.Status != "Failed" && !report.Counts.changed() {
			continue
		}
		names = append(names, report.Catalog)
		pages = append(pages, "report: "+result.Reports[i])
	}
	what := result.Counts.happened()
	if failed && (result.Error != reconcile.TablesFailed || !result.Counts.failed()) {
		// A catalog or the execution as a whole failed, which the counts do not show.
		what = strings.TrimSuffix(result.Error+", "+what, ", ")
	}
	lines := []string{what}
	for _, f := range result.Failures[:min(len(result.Failures), noticeFailures)] {
		lines = append(lines, "", f.line())
	}
	if len(result.Failures) > noticeFailures {
		lines = append(lines, "", "and more; the report has all")
	}
	lines = append(lines, "")
	lines = append(lines, pages[:min(len(pages), noticeReports)]...)
	return &Notice{
		Subject: subject(names, what, failed),
		Message: strings.Join(append(lines, "execution: "+in.ExecutionARN), "\n"),
	}
}

func subject(names []string, what string, failed bool) string {
	title := "Landfall"
	switch len(names) {
	case 0:
	case 1:
		title += " " + names[0]
	default:
		title += fmt.Sprintf(" (%d catalogs)", len(names))
	}
	if failed {
		title += " failed"
	}
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, title+": "+what)
	return ascii[:min(len(ascii), noticeSubject)]
}

func (c Counts) changed() bool { return c.Created+c.Updated+c.Deleted > 0 }

func (c Counts) failed() bool { return c.Failed+c.Conflicts > 0 }

// happened names what was done or failed.
func (c Counts) happened() string {
	c.Cleaned, c.Orphans, c.Unchanged = 0, 0, 0
	return c.Words(false)
}
