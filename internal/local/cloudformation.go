package local

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// isForm reports whether a request is of the query protocol: CloudFormation, IAM, STS, SNS, CloudWatch.
func isForm(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == "/" &&
		strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// serveForm passes a query request on. One that deploys a stack may change EventBridge's rules.
func (e *Endpoint) serveForm(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body)) // moto answers for a malformed request
	switch form.Get("Action") {
	case "CreateStack", "UpdateStack", "ExecuteChangeSet", "DeleteStack":
		e.uploads.forgetRules()
		defer e.uploads.forgetRules()
	}
	e.proxy.ServeHTTP(w, r)
}
