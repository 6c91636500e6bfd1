package prerequisites_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/landfall/landfall/internal/prerequisites"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/preflight"
)

// answers are what IAM, Secrets Manager and Service Quotas say. An error is a code; "" is none.
type answers struct {
	iam, secrets string
	quotas       []string // by page: "" or an error for the first, JSON of the quotas otherwise
	asked        []string
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var in struct{ SecretId, ServiceCode, NextToken string }
	switch operation {
	case "":
		a.asked = append(a.asked, r.PostFormValue("Action")+" "+r.PostFormValue("RoleName"))
		a.role(w)
		return
	case "DescribeSecret":
		_ = json.NewDecoder(r.Body).Decode(&in)
		a.asked = append(a.asked, operation+" "+in.SecretId)
		if a.secrets != "" {
			refuse(w, a.secrets)
			return
		}
		_, _ = w.Write([]byte(`{"Name": "s"}`))
	case "ListServiceQuotas":
		_ = json.NewDecoder(r.Body).Decode(&in)
		a.asked = append(a.asked, operation+" "+in.ServiceCode)
		page := len(in.NextToken)
		if body := a.quotas[page]; !strings.HasPrefix(body, "[") {
			refuse(w, body)
		} else if page+1 < len(a.quotas) {
			fmt.Fprintf(w, `{"Quotas": %s, "NextToken": %q}`, body, strings.Repeat("n", page+1))
		} else {
			fmt.Fprintf(w, `{"Quotas": %s}`, body)
		}
	}
}

func (a *answers) role(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/xml")
	if a.iam != "" {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>%s</Code><Message>why</Message></Error><RequestId>1</RequestId></ErrorResponse>`, a.iam)
		return
	}
	fmt.Fprint(w, `<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetRoleResult><Role><Path>/</Path><RoleName>r</RoleName><RoleId>AROA0000000000000000</RoleId><Arn>arn:aws:iam::123456789012:role/r</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></Role></GetRoleResult></GetRoleResponse>`)
}

func refuse(w http.ResponseWriter, code string) {
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"__type": %q, "message": "why"}`, code)
}

func serve(t *testing.T, a *answers) *prerequisites.Client {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return prerequisites.New(aws.Config{
		Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""), RetryMaxAttempts: 1,
	})
}

func TestQuotas(t *testing.T) {
	cases := map[string]struct {
		reason string
		pages  []string
		want   preflight.Quotas
	}{
		"all on one page":  {"", []string{`[{"QuotaCode": "L-7DD7C33A", "Value": 250}, {"QuotaCode": "L-F1653A6D", "Value": 1000}, {"QuotaCode": "L-611FDDE4", "Value": 2000}]`}, preflight.Quotas{Workflows: 250, Triggers: 1000, Jobs: 2000}},
		"on several pages": {"Glue has more quotas than a page", []string{`[{"QuotaCode": "L-OTHER", "Value": 5}]`, `[{"QuotaCode": "L-7DD7C33A", "Value": 1000}]`, `[{"QuotaCode": "L-611FDDE4", "Value": 3000}]`}, preflight.Quotas{Workflows: 1000, Jobs: 3000}},
		"none of them":     {"a quota that is not listed is not known", []string{`[]`}, preflight.Quotas{}},
		"no value":         {"", []string{`[{"QuotaCode": "L-7DD7C33A"}]`}, preflight.Quotas{}},
	}
	for name, c := range cases {
		a := &answers{quotas: c.pages}
		got, err := serve(t, a).Quotas(t.Context())
		if err != nil || got != c.want || a.asked[0] != "ListServiceQuotas glue" || len(a.asked) != len(c.pages) {
			t.Errorf("%s: %+v after %v, %v; want %+v: %s", name, got, a.asked, err, c.want, c.reason)
		}
	}
}

// A check tells three ends apart: it is there, it is not there, and it cannot be told. The last must never look like the second.
func TestChecks(t *testing.T) {
	checks := map[string]struct {
		fail   func(a *answers, code string)
		check  func(c *prerequisites.Client) error
		absent string
		denied string
	}{
		"role": {
			func(a *answers, code string) { a.iam = code }, func(c *prerequisites.Client) error { return c.CheckRole(t.Context(), "r") },
			"NoSuchEntity", "AccessDenied",
		},
		"secret": {
			func(a *answers, code string) { a.secrets = code }, func(c *prerequisites.Client) error { return c.CheckSecret(t.Context(), "s") },
			"ResourceNotFoundException", "AccessDeniedException",
		},
		"quotas": {
			func(a *answers, code string) { a.quotas = []string{code} }, func(c *prerequisites.Client) error { _, err := c.Quotas(t.Context()); return err },
			"NoSuchResourceException", "AccessDeniedException",
		},
	}
	for name, c := range checks {
		for code, want := range map[string]struct{ absent, denied bool }{
			"": {}, c.absent: {absent: name != "quotas"}, c.denied: {denied: true}, "ThrottlingException": {}, "InternalFailure": {},
		} {
			a := &answers{quotas: []string{"[]"}}
			if code != "" {
				c.fail(a, code)
			}
			err := c.check(serve(t, a))
			if (err == nil) != (code == "") || errors.Is(err, reconcile.ErrNotFound) != want.absent || errors.Is(err, reconcile.ErrForbidden) != want.denied {
				t.Errorf("%s, %q: %v; want not found %t, forbidden %t", name, code, err, want.absent, want.denied)
			}
		}
	}
}

// A role is asked for by its name, also where the catalog gives its ARN, with a path or without.
func TestARoleIsAskedForByName(t *testing.T) {
	for _, role := range []string{"r", "arn:aws:iam::123456789012:role/r", "arn:aws-cn:iam::123456789012:role/service-role/r"} {
		a := &answers{}
		if err := serve(t, a).CheckRole(t.Context(), role); err != nil || a.asked[0] != "GetRole r" {
			t.Errorf("%s: asked %v, %v", role, a.asked, err)
		}
	}
	a := &answers{}
	const secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:hr-AbCdEf"
	if err := serve(t, a).CheckSecret(t.Context(), secret); err != nil || a.asked[0] != "DescribeSecret "+secret {
		t.Errorf("a secret is asked for as it is named: %v, %v", a.asked, err)
	}
}
