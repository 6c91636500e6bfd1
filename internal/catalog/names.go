package catalog

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxName keeps a workflow's name short enough for the names made from it:
// Glue refuses names over 255 characters, the start trigger is called
// <name>_starting_trigger and the job <name>_land_<suffix>.
const maxName = 200

var (
	// printable is what Glue takes in names, minus characters that break ARNs or S3 paths or are invisible.
	printable  = regexp.MustCompile(`^[^/:\p{C}\p{Z}\x{FFFE}\x{FFFF}]([^/:\p{C}\p{Zl}\p{Zp}\x{FFFE}\x{FFFF}]*[^/:\p{C}\p{Z}\x{FFFE}\x{FFFF}])?$`)
	roleName   = regexp.MustCompile(`^[A-Za-z0-9_+=,.@-]{1,64}$`)
	roleARN    = regexp.MustCompile(`^arn:aws[a-z0-9-]*:iam::[0-9]{12}:role/([!-~]+/)?[A-Za-z0-9_+=,.@-]{1,64}$`)
	secret     = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`)
	secretARN  = regexp.MustCompile(`^arn:aws[a-z0-9-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]{1,519}$`)
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	ipAddress  = regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,3}){3}$`)
	underscore = regexp.MustCompile(`[^A-Za-z0-9_.-]`)
)

// glueNameSchema is a name for Glue of up to so many characters.
func glueNameSchema(most int) object {
	return object{{"maxLength", most}, {"pattern", ecma(printable.String())}}
}

var workflowNameKind = text("1 to 200 characters", workflowName, append(glueNameSchema(maxName),
	property{"not", object{{"pattern", "[_-]" + anyCase("landfall") + "[_-]" + anyCase("new")}}}))

func workflowName(s string) (string, fault) {
	if s == "" {
		return "", fault{"is empty", "leave the key out to have the name derived from the table"}
	}
	return ownName(s)
}

// StagingSuffix matches the suffix of the workflow in which plan stages an update, and
// what a layout may make of it: another case, other separators. No catalog may use it.
var StagingSuffix = regexp.MustCompile(`(?i)[_-]landfall[_-]new`)

// ownName is a name for a workflow that Landfall makes.
func ownName(s string) (string, fault) {
	if StagingSuffix.MatchString(s) {
		return "", fault{quote(s) + " has _landfall_new in it, which Landfall keeps for itself", "choose another name"}
	}
	return glueName(s, maxName)
}

// CheckWorkflowName returns an error that describes what is wrong with the name of a workflow.
func CheckWorkflowName(name string) error {
	if _, f := workflowName(name); f.message != "" {
		return fmt.Errorf("the workflow name %s; %s", f.message, f.hint)
	}
	return nil
}

const maxConnectionName = 255

var connectionKind = text("name", connectionName, object{
	{"anyOf", []object{{{"const", ""}}, glueNameSchema(maxConnectionName)}},
})

func connectionName(s string) (string, fault) {
	if s == "" {
		return "", fault{}
	}
	return glueName(s, maxConnectionName)
}

func glueName(s string, most int) (string, fault) {
	if n := utf8.RuneCountInString(s); n > most {
		return "", fault{fmt.Sprintf("has %d characters; want at most %d", n, most), ""}
	}
	if !printable.MatchString(s) {
		return "", fault{quote(s) + " is not a name for Glue", "use printable characters without / and :, and no space at either end"}
	}
	return s, fault{}
}

// DerivedName is the name of a workflow whose entry gives none.
func DerivedName(catalog, schema, table string) string {
	return underscore.ReplaceAllString(catalog+"_"+schema+"_"+table, "_")
}

// nameOrARN is a text that matches one of the two patterns.
func nameOrARN(name, arn *regexp.Regexp) object {
	return object{{"anyOf", []object{{{"pattern", name.String()}}, {{"pattern", arn.String()}}}}}
}

var roleKind = text("name or ARN", role, nameOrARN(roleName, roleARN))

func role(s string) (string, fault) {
	switch {
	case roleName.MatchString(s), roleARN.MatchString(s):
		return s, fault{}
	case s == "":
		return "", fault{"is empty", "give a role or leave the key out: the stack's job role is then used"}
	case strings.HasPrefix(s, "arn:"):
		return "", fault{quote(s) + " is not the ARN of a role", "the form is arn:aws:iam::<12 digits>:role/<name>"}
	}
	return "", fault{quote(s) + " is neither the name nor the ARN of a role", "a name has up to 64 of A-Z a-z 0-9 and _ + = , . @ -"}
}

var secretKind = text("name or ARN", secretName, nameOrARN(secret, secretARN))

// secretName does not show what it refuses: it might be the secret itself.
func secretName(s string) (string, fault) {
	switch {
	case secret.MatchString(s), secretARN.MatchString(s):
		return s, fault{}
	case s == "":
		return "", fault{"is empty", "name the secret that holds the database's address and login"}
	}
	if strings.HasPrefix(s, "{") {
		return "", fault{"is neither the name nor the ARN of a secret", "keep the address and the login in Secrets Manager, and give the secret's name"}
	}
	return "", fault{"is neither the name nor the ARN of a secret", "a name has up to 512 of A-Z a-z 0-9 and / _ + = . @ -"}
}

// Prefixes and suffixes that S3 keeps for itself.
var (
	bucketPrefixes = []string{"xn--", "sthree-", "amzn-s3-demo-"}
	bucketSuffixes = []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}
)

var bucketKind = text("bucket name", bucket, object{
	{"pattern", bucketName.String()},
	{"not", object{{"anyOf", []object{
		{{"pattern", `\.\.`}},
		{{"pattern", ipAddress.String()}},
		{{"pattern", "^" + oneOfTexts(bucketPrefixes)}},
		{{"pattern", oneOfTexts(bucketSuffixes) + "$"}},
	}}}},
})

// oneOfTexts is the pattern of one of the texts.
func oneOfTexts(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = regexp.QuoteMeta(t)
	}
	return "(" + strings.Join(quoted, "|") + ")"
}

func bucket(s string) (string, fault) {
	switch {
	case s == "":
		return "", fault{"is empty", "give a bucket or leave the key out: the stack's raw bucket is then used"}
	case strings.HasPrefix(s, "s3:"), strings.Contains(s, "/"):
		return "", fault{quote(s) + " is not a bucket's name", "give the name alone, without s3:// and without a path"}
	case !bucketName.MatchString(s), strings.Contains(s, ".."):
		return "", fault{quote(s) + " is not a bucket's name", "3 to 63 of a-z 0-9 . and -, a letter or digit at both ends, no two dots in a row"}
	}
	if ipAddress.MatchString(s) {
		return "", fault{quote(s) + " has the form of an IP address, which S3 refuses", ""}
	}
	for _, prefix := range bucketPrefixes {
		if strings.HasPrefix(s, prefix) {
			return "", fault{quote(s) + " begins with " + prefix + ", which S3 keeps for itself", ""}
		}
	}
	for _, suffix := range bucketSuffixes {
		if strings.HasSuffix(s, suffix) {
			return "", fault{quote(s) + " ends with " + suffix + ", which S3 keeps for itself", ""}
		}
	}
	return s, fault{}
}

// maxIdentifier is the longest name of a schema, table or column, in bytes: that
// of PostgreSQL (NAMEDATALEN - 1), the only engine so far.
const maxIdentifier = 63

func column(s string) (string, fault) {
	switch {
	case s == "":
		return "", fault{"the column has no name", ""}
	case strings.ContainsRune(s, 0):
		return "", fault{"the column's name has a NUL character", ""}
	case len(s) > maxIdentifier:
		return "", fault{fmt.Sprintf("the column's name has %d bytes; PostgreSQL takes %d", len(s), maxIdentifier), ""}
	}
	return s, fault{}
}

var partitionKind = text("column", partitionColumn, object{
	{"maxLength", maxIdentifier}, {"pattern", noNUL}, {"not", object{{"pattern", "^" + anyCase("batch") + "$"}}},
})

func partitionColumn(s string) (string, fault) {
	switch {
	case s == "":
		return "", fault{}
	case strings.EqualFold(s, "batch"):
		return "", fault{"batch is the name of Landfall's own partition", "partition by another column"}
	}
	return column(s)
}

var tableKind = text("`schema.table`", sourceTable, object{{"pattern", "^" + identifierPattern + `\.` + identifierPattern + "$"}})

// identifierPattern is a part of schema.table: bare, or in double quotes.
const identifierPattern = "(?:[^\". \t\r\n\x00](?:[^\".\x00]{0,61}[^\". \t\r\n\x00])?|\"(?:[^\"\x00]|\"\"){1,63}\")"

func sourceTable(s string) (string, fault) {
	if s == "" {
		return "", fault{"is empty", "the form is schema.table"}
	}
	schema, table, err := SplitTable(s)
	if err != nil {
		return "", fault{quote(s) + " is not a table: " + err.Error(), "the form is schema.table"}
	}
	return JoinTable(schema, table), fault{}
}

// SplitTable takes schema.table apart. A part may be double-quoted, with ""
// for a double quote in it; it must be when it has a dot, a double quote, or a
// space at either end. Names are taken as they are, upper and lower case
// included, whether quoted or not.
func SplitTable(s string) (schema, table string, err error) {
	schema, rest, err := cutIdentifier(s)
	if err != nil {
		return "", "", err
	}
	if rest == "" {
		return "", "", errors.New("there is no dot in it")
	}
	table, rest, err = cutIdentifier(rest[1:])
	if err != nil {
		return "", "", err
	}
	if rest != "" {
		return "", "", errors.New(`there are more than two parts in it (a part with a dot needs double quotes)`)
	}
	return schema, table, nil
}

// cutIdentifier takes the first part off; rest is empty or begins with the dot.
func cutIdentifier(s string) (name, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexByte(s, '.')
		if end < 0 {
			end = len(s)
		}
		name, rest = s[:end], s[end:]
		if strings.Contains(name, `"`) || name != strings.Trim(name, blank) {
			return "", "", errors.New("a part with a double quote in it or a space at an end needs double quotes")
		}
		return name, rest, identifier(name)
	}
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			i++
			continue
		}
		if name, rest = strings.ReplaceAll(s[1:i], `""`, `"`), s[i+1:]; rest != "" && rest[0] != '.' {
			return "", "", errors.New("a double quote ends a part, and a dot or the end must follow")
		}
		return name, rest, identifier(name)
	}
	return "", "", errors.New("a double quote is not closed")
}

const blank = " \t\r\n"

func identifier(name string) error {
	switch {
	case name == "":
		return errors.New("a part is empty")
	case strings.ContainsRune(name, 0):
		return errors.New("there is a NUL character in it")
	case len(name) > maxIdentifier:
		return fmt.Errorf("a part has %d bytes, PostgreSQL takes %d", len(name), maxIdentifier)
	}
	return nil
}

// quoteIdentifier is the inverse of cutIdentifier.
func quoteIdentifier(name string) string {
	if strings.ContainsAny(name, `".`) || name != strings.Trim(name, blank) {
		return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	}
	return name
}

// JoinTable is the inverse of SplitTable: schema.table, its parts in quotes where they must be.
func JoinTable(schema, table string) string {
	return quoteIdentifier(schema) + "." + quoteIdentifier(table)
}

// CanonicalTable is the canonical form of schema.table, under which a table
// lands: a part is double-quoted only when it must be.
func CanonicalTable(s string) (string, error) {
	schema, table, err := SplitTable(s)
	if err != nil {
		return "", fmt.Errorf("%q is not a table: %w; the form is schema.table", s, err)
	}
	return JoinTable(schema, table), nil
}
