package catalog

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A blueprint run takes at most 131,072 characters of parameters; the rest is
// room for those that the deployment adds.
const maxParameters = 131072 - 8192

// resolve checks what only the whole entry shows.
func (p *parser) resolve(e *entry, path string, index int) {
	p.missing(e, path)
	t := &e.table
	scheduled := t.ScheduleCronPattern != ""
	if !scheduled {
		if t.JobScheduleType == Cron {
			p.problem(p.offsetOf(e, "ScheduleCronPattern"), path+".ScheduleCronPattern", "is empty, and JobScheduleType is Cron", "give a pattern such as 10 21 * * ? *")
		}
		t.ScheduleCronPattern = KeyNamed("ScheduleCronPattern").Default.(string)
	}
	schema, table, err := SplitTable(t.SourceTable)
	if err != nil || e.has(e.bad, "SourceTable") {
		// Already reported, as missing or with the value.
		return
	}
	if scheduled {
		p.unused(e, path)
	}
	if t.WorkflowName == "" && !e.has(e.bad, "WorkflowName") {
		name, f := ownName(DerivedName(p.name, schema, table))
		if f.message != "" {
			p.problem(e.start, path+".WorkflowName", "the derived name "+f.message, "give the entry a WorkflowName")
		}
		t.WorkflowName = name
	}
	p.unique(e, path, index)
	p.registration(e, schema, table, path, index)
	p.crossfield(e, path)
	if n := parametersLength(*t); n > maxParameters {
		p.problem(e.start, path, fmt.Sprintf("the entry comes to %d characters of blueprint parameters; Glue takes %d, less what the deployment adds", n, maxParameters), "shorten PrimaryKey, Columns or Tags")
	}
}

func (e *entry) has(bits uint64, name string) bool { return bits&KeyNamed(name).bit != 0 }

// offsetOf is where a problem with a key is shown: at the key if the entry has it, else at the entry.
func (p *parser) offsetOf(e *entry, name string) int {
	if k := KeyNamed(name); e.own&k.bit != 0 {
		return e.at[k.index].value.at
	}
	return e.start
}

func (p *parser) missing(e *entry, path string) {
	for _, k := range entryKeys {
		needed := k.Required
		if p.stack != (StackDefaults{}) {
			needed = needed || k.Name == "GlueExecutionRole" && p.stack.GlueExecutionRole == ""
			needed = needed || k.Name == "DestinationBucketName" && p.stack.DestinationBucketName == ""
		}
		if needed && e.given&k.bit == 0 && e.suggested&k.bit == 0 {
			p.problem(e.start, path+"."+k.Name, "is missing", "give it in the entry or in Defaults")
		}
	}
}

// unused warns of a schedule that never fires.
func (p *parser) unused(e *entry, path string) {
	if e.has(e.own, "ScheduleCronPattern") && e.table.JobScheduleType == OnDemand && !e.has(e.bad, "JobScheduleType") {
		p.warn(p.offsetOf(e, "ScheduleCronPattern"), path+".ScheduleCronPattern", e.table.SourceTable, "has no effect: JobScheduleType is OnDemand", "set JobScheduleType to Cron")
	}
}

// unique refuses a second entry for a table, and a second use of a workflow name.
func (p *parser) unique(e *entry, path string, index int) {
	t := &e.table
	same := strings.Join([]string{t.SourceTable, t.SecretName, t.DestinationBucketName}, "\x00")
	if e.has(e.bad, "SecretName") || e.has(e.bad, "DestinationBucketName") || t.SecretName == "" {
		// The identity of the table is not known.
		same = ""
	}
	if earlier, ok := p.tables[same]; ok && same != "" {
		p.problem(p.offsetOf(e, "SourceTable"), path+".SourceTable", p.sameAs("is the table", earlier), "remove one of the two entries")
		if !e.has(e.given, "WorkflowName") {
			return
		}
	} else {
		p.tables[same] = first{index, p.offsetOf(e, "SourceTable")}
	}
	if t.WorkflowName == "" || e.has(e.bad, "WorkflowName") {
		// As above: the value is that of Defaults.
		return
	}
	if earlier, ok := p.workflows[t.WorkflowName]; ok {
		hint := "every entry needs its own workflow name"
		if !e.has(e.given, "WorkflowName") {
			hint = "the name is derived from the table; give one of the entries a WorkflowName"
		}
		p.problem(p.offsetOf(e, "WorkflowName"), path+".WorkflowName", p.sameAs(quote(t.WorkflowName)+" is the workflow name", earlier), hint)
		return
	}
	p.workflows[t.WorkflowName] = first{index, p.offsetOf(e, "WorkflowName")}
}

func (p *parser) sameAs(what string, earlier first) string {
	return fmt.Sprintf("%s of WorkflowList[%d] too (line %d)", what, earlier.index, p.problems.lines.line(earlier.at))
}

// registration warns of two tables that get one name in the Glue Data Catalog,
// where names are <schema>_<table> in lower case.
func (p *parser) registration(e *entry, schema, table, path string, index int) {
	t := &e.table
	name := strings.ToLower(schema + "_" + table)
	key := t.SecretName + "\x00" + name
	earlier, ok := p.registered[key]
	if !ok {
		p.registered[key] = first{index, e.start}
		return
	}
	p.warn(p.offsetOf(e, "SourceTable"), path+".SourceTable", t.SourceTable,
		fmt.Sprintf("gets the name %s in the Glue Data Catalog, as WorkflowList[%d] does", quote(name), earlier.index), "the name belongs to the table that lands first: job runs of the other fail; rename one of the two tables, or leave one out")
}

// parametersLength is roughly the length of what the planner sends for a table.
func parametersLength(t Table) int {
	// Far below the limit even if every character is escaped: no need to marshal.
	bytes := 0
	for _, s := range t.PrimaryKey {
		bytes += len(s) + 3
	}
	for _, s := range t.DeltaColumnName {
		bytes += len(s) + 3
	}
	for k, v := range t.Tags {
		bytes += len(k) + len(v) + 6
	}
	for name, rules := range t.Columns {
		bytes += len(name) + 6
		for k, v := range rules {
			bytes += len(k) + len(v) + 6
		}
	}
	if 12*bytes < maxParameters/2 {
		return 0
	}
	all, _ := json.Marshal(t.Parameters())
	return utf8.RuneCount(all)
}

// aliasUse is the first use of an alias, and how many there are.
type aliasUse struct {
	at    int
	path  string
	count int
}

// alias counts a use of an old name.
func (p *parser) alias(m member, path string) {
	if use, ok := p.aliases[m.name]; ok {
		use.count++
		return
	}
	p.aliases[m.name] = &aliasUse{m.nameAt, path, 1}
}

func (p *parser) warnAliases() {
	for alias, use := range p.aliases {
		message := "is an old name of " + aliases[alias]
		if use.count > 1 {
			message += fmt.Sprintf(" (used %d times)", use.count)
		}
		p.warn(use.at, use.path, "", message, "write "+aliases[alias])
	}
}
