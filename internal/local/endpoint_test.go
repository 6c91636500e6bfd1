package local

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const root = "../.."

// shared is the endpoint of the tests that need not have one of their own.
var shared struct {
	sync.Mutex
	endpoint *Endpoint
}

// TestMain also lets the test start itself as a program that starts an endpoint and waits to be killed.
func TestMain(m *testing.M) {
	if os.Getenv("ENDPOINT_TEST_CHILD") != "" {
		e, err := Start(context.Background(), Config{Root: root, Addr: "127.0.0.1:0", Dir: os.Getenv("ENDPOINT_TEST_CHILD")})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(e.moto.cmd.Process.Pid)
		select {}
	}
	code := m.Run()
	if shared.endpoint != nil {
		if err := shared.endpoint.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func endpoint(t *testing.T) *Endpoint {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.endpoint == nil {
		e, err := Start(t.Context(), Config{Root: root, Addr: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		shared.endpoint = e
	}
	return shared.endpoint
}

// config is what an SDK gets from the environment variables that landfall local prints.
func config(e *Endpoint) aws.Config {
	return aws.Config{
		Region: DefaultRegion, BaseEndpoint: new(e.URL()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// cli runs the AWS CLI and returns what it printed.
func cli(t *testing.T, url string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(filepath.Join(root, "build/venv/bin/aws"), args...)
	cmd.Env = []string{
		"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "AWS_ENDPOINT_URL=" + url, "AWS_ACCESS_KEY_ID=test",
		"AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION=" + DefaultRegion, "AWS_DEFAULT_OUTPUT=text",
	}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// bucket makes one with a name of its own.
func bucket(t *testing.T, e *Endpoint, name string) *s3.Client {
	t.Helper()
	client := s3.NewFromConfig(config(e))
	_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: DefaultRegion},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func put(t *testing.T, client *s3.Client, bucket, key, content string) {
	t.Helper()
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(content)})
	if err != nil {
		t.Fatal(err)
	}
}

// await polls for a condition that must come.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
	}
}

func TestEveryClientReachesTheEndpoint(t *testing.T) {
	e := endpoint(t)
	client := bucket(t, e, "clients")
	put(t, client, "clients", "folder/sp ace+%.txt", "content")
	for _, url := range []string{e.URL(), e.CDKURL()} {
		out, err := cli(t, url, "s3", "cp", "s3://clients/folder/sp ace+%.txt", "-")
		if err != nil || out != "content" {
			t.Errorf("aws s3 cp at %s = %q, %v", url, out, err)
		}
	}
	out, err := cli(t, e.URL(), "sts", "get-caller-identity", "--query", "Account")
	if err != nil || out != AccountID {
		t.Errorf("get-caller-identity = %q, %v", out, err)
	}
	if v6, err := net.Listen("tcp", "[::1]:0"); err == nil {
		v6.Close()
		resp, err := http.Get("http://[::1]:" + strconv.Itoa(e.port) + "/")
		if err != nil {
			t.Fatalf("over IPv6: %v", err)
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Amzn-Requestid") == "" {
			t.Errorf("over IPv6: HTTP %d, headers %v", resp.StatusCode, resp.Header)
		}
	}
}

func TestStartRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cases := map[string]struct {
		config Config
		want   string
	}{
		"PortTaken": {Config{Root: root, Addr: taken.Addr().String()}, "the port is taken by another program"},
		"BadAddr":   {Config{Root: root, Addr: "nowhere"}, `listen on "nowhere"`},
		"NoSetup":   {Config{Root: t.TempDir(), Addr: "127.0.0.1:0"}, "run make setup"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e, err := Start(t.Context(), c.config)
			if err == nil {
				_ = e.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Start = %v, want an error with %q", err, c.want)
			}
		})
	}
}

// children lists the living processes whose parent is this one.
func children() []string {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var found []string
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		name, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[0] != "Z" && fields[1] == strconv.Itoa(os.Getpid()) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

func TestCloseLeavesNothing(t *testing.T) {
	before := children()
	e, err := Start(t.Context(), Config{Root: root, Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	deployFunction(t, e, "left-behind")
	if _, err := cli(t, e.URL(), "lambda", "invoke", "--function-name", "left-behind", filepath.Join(t.TempDir(), "out")); err != nil {
		t.Fatal(err)
	}
	if n := len(children()) - len(before); n != 2 {
		t.Errorf("%d processes while serving, want moto and the function: %v", n, children())
	}
	for range 2 {
		if err := e.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	}
	if left := children(); !slices.Equal(left, before) {
		t.Errorf("processes left: %v, before: %v", left, before)
	}
	if _, err := os.Stat(e.Dir()); !os.IsNotExist(err) {
		t.Errorf("folder %s is left: %v", e.Dir(), err)
	}
	if conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(e.port))); err == nil {
		conn.Close()
		t.Error("the port still answers")
	}
}

func TestKilledParentTakesMotoAlong(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "ENDPOINT_TEST_CHILD="+t.TempDir())
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the parent said %q", line)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	await(t, "the end of moto", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}
