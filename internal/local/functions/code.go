package functions

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sync/singleflight"
)

// codeStore unpacks ZIPs once per content.
type codeStore struct {
	source Source
	root   string
	group  singleflight.Group
}

func newCodeStore(source Source, dir string) *codeStore {
	return &codeStore{source: source, root: filepath.Join(dir, "code")}
}

// dir returns the folder with the function's unpacked code.
func (c *codeStore) dir(ctx context.Context, f Function) (string, error) {
	digest, err := base64.StdEncoding.DecodeString(f.CodeSHA256)
	if err != nil || len(digest) != sha256.Size {
		return "", fmt.Errorf("code digest %q is not a base64 SHA-256", f.CodeSHA256)
	}
	target := filepath.Join(c.root, hex.EncodeToString(digest))
	_, err, _ = c.group.Do(target, func() (any, error) {
		if _, err := os.Stat(target); err == nil {
			return nil, nil
		}
		content, err := c.source.Code(ctx, f)
		if err != nil {
			return nil, err
		}
		if sum := sha256.Sum256(content); !bytes.Equal(sum[:], digest) {
			return nil, fmt.Errorf("the ZIP found is not the one deployed (SHA-256 %x, want %x)", sum, digest)
		}
		return nil, unpack(content, target)
	})
	return target, err
}

// unpack extracts a ZIP so that the target is either complete or does not exist.
func unpack(content []byte, target string) error {
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return fmt.Errorf("read ZIP: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(target), "unpack-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	for _, entry := range archive.File {
		if err := extract(entry, temporary); err != nil {
			return fmt.Errorf("unpack %s: %w", entry.Name, err)
		}
	}
	return os.Rename(temporary, target)
}

func extract(entry *zip.File, dir string) error {
	if !filepath.IsLocal(entry.Name) {
		return fmt.Errorf("path leads out of the archive")
	}
	path := filepath.Join(dir, entry.Name)
	if entry.FileInfo().IsDir() {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	in, err := entry.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	// Lambda keeps the file modes; reading must always be possible.
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, entry.Mode().Perm()|0o444)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
