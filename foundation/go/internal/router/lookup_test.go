package router

import (
	"fmt"
	"net/http"
	"testing"
)

const (
	guidA = "aaaaaaaa-0000-4000-8000-00000000000a"
	guidB = "bbbbbbbb-0000-4000-8000-00000000000b"
)

// known is a backend that answers with what it is told of itself.
func known(t *testing.T, app, process string, index int) Backend {
	t.Helper()
	address := instance(t, func(w http.ResponseWriter, r *http.Request) {
		header := r.Header.Get
		fmt.Fprint(w, header("X-CF-ApplicationID"), " ", header("X-CF-InstanceIndex"), " ", header("X-CF-InstanceID"))
		fmt.Fprint(w, header("X-CF-App-Instance"))
	})
	return Backend{Address: address, App: app, Process: process, Index: index, Instance: fmt.Sprint("instance-", index)}
}

func TestInstanceIsToldWhichItIs(t *testing.T) {
	url, _ := routing(t, Route{"a.example", "", []Backend{known(t, guidA, guidA, 0), known(t, guidA, guidA, 1)}})
	forged := []string{"X-CF-ApplicationID", "x", "X-CF-InstanceIndex", "x", "X-CF-InstanceID", "x"}
	equal(t, get(t, url, "a.example", forged...).body, guidA+" 0 instance-0")
	equal(t, get(t, url, "a.example", forged...).body, guidA+" 1 instance-1")
}

func TestHeaderChoosesAnInstance(t *testing.T) {
	route := Route{"a.example", "", []Backend{
		known(t, guidA, guidA, 0), known(t, guidA, guidA, 1), known(t, guidA, guidB, 2), known(t, guidB, guidB, 0),
	}}
	url, _ := routing(t, route, to("empty.example", ""))
	for value, want := range map[string]string{
		guidA + ":1": guidA + " 1 instance-1", guidA + ":2": guidA + " 2 instance-2", guidB + ":0": guidB + " 0 instance-0",
	} {
		for range 3 { // and no other one's turn
			equal(t, get(t, url, "a.example", "X-CF-App-Instance", value).body, want)
		}
	}
	equal(t, get(t, url, "a.example", "X-CF-Process-Instance", guidB+":2").body, guidA+" 2 instance-2")
	said := map[string]bool{}
	for range 4 {
		said[get(t, url, "a.example", "X-CF-Process-Instance", guidB).body] = true
	}
	if said[guidA+" 0 instance-0"] || said[guidA+" 1 instance-1"] {
		t.Error(said)
	}
}

func TestHeaderThatChoosesNoInstanceIsABadRequest(t *testing.T) {
	url, _ := routing(t, Route{"a.example", "", []Backend{known(t, guidA, guidA, 0)}})
	const app, process = "X-CF-App-Instance", "X-CF-Process-Instance"
	for _, each := range []struct{ header, value, code, text string }{
		{app, guidA, "invalid_cf_app_instance_header", "Invalid X-CF-App-Instance Header"},
		{app, guidA + ":", "invalid_cf_app_instance_header", "Invalid X-CF-App-Instance Header"},
		{app, "A" + guidA + ":0", "invalid_cf_app_instance_header", "Invalid X-CF-App-Instance Header"},
		{process, guidA + ":x", "invalid_cf_process_instance_header", "Invalid X-CF-Process-Instance Header"},
		{app, guidA + ":1", "unknown_route", "Requested instance ('1') with guid ('" + guidA + "') does not exist for route ('a.example')"},
		{app, guidA + ":00", "unknown_route", "Requested instance ('00') with guid ('" + guidA + "') does not exist for route ('a.example')"},
		{process, guidB + ":0", "unknown_route", "Requested instance ('0') with process guid ('" + guidB + "') does not exist for route ('a.example')"},
		{process, guidB, "unknown_route", "Requested instance with process guid ('" + guidB + "') does not exist for route ('a.example')"},
	} {
		got := get(t, url, "a.example", each.header, each.value)
		equal(t, got.StatusCode, 400)
		equal(t, got.body, "400 Bad Request: "+each.text+"\n")
		equal(t, got.Header.Get("X-Cf-Routererror")+got.Header.Get("Cache-Control"), each.code+"no-cache, no-store")
	}
	equal(t, get(t, url, "none.example", app, guidA+":0").StatusCode, 400)
}
