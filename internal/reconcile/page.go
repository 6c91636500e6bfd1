package reconcile

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"time"
)

//go:embed report.html.tmpl
var pageSource string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"mark":    func(r Row) string { return string(r.Action.Rune()) },
	"utc":     func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"seconds": func(s float64) string { return fmt.Sprintf("%.1f s", s) },
}).Parse(pageSource))

// renderReport makes a page that needs nothing but itself.
func renderReport(report *CatalogReport) ([]byte, error) {
	var out bytes.Buffer
	if err := page.Execute(&out, report); err != nil {
		return nil, fmt.Errorf("render report of %s: %w", report.Catalog, err)
	}
	return out.Bytes(), nil
}
