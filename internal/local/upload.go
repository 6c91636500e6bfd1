package local

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
)

// upload is a request that makes an object.
type upload struct{ bucket, key, reason string }

// uploadOf recognises PutObject, CopyObject and CompleteMultipartUpload.
func uploadOf(r *http.Request) (upload, bool) {
	query := r.URL.Query()
	scope := cmp.Or(r.Header.Get("Authorization"), query.Get("X-Amz-Credential"))
	if !strings.Contains(scope, "/s3/aws4_request") {
		return upload{}, false
	}
	u := objectOf(r)
	switch {
	case u.key == "":
		return u, false
	case r.Method == http.MethodPost && query.Has("uploadId"):
		u.reason = "CompleteMultipartUpload"
	case r.Method != http.MethodPut || isSubresource(query):
		return u, false
	case r.Header.Get("X-Amz-Copy-Source") != "":
		u.reason = "CopyObject"
	default:
		u.reason = "PutObject"
	}
	return u, true
}

// objectOf reads bucket and key from a path-style or host-style (bucket.localhost) request.
func objectOf(r *http.Request) upload {
	path := strings.TrimPrefix(r.URL.Path, "/")
	host, _, _ := strings.Cut(r.Host, ":")
	if bucket, ok := strings.CutSuffix(host, ".localhost"); ok {
		return upload{bucket: strings.TrimSuffix(bucket, ".s3"), key: path}
	}
	bucket, key, _ := strings.Cut(path, "/")
	return upload{bucket: bucket, key: key}
}

func isSubresource(query url.Values) bool {
	for _, name := range []string{"acl", "tagging", "retention", "legal-hold", "partNumber", "uploadId", "torrent", "encryption"} {
		if query.Has(name) {
			return true
		}
	}
	return false
}
