//! Builds the HQ console (folder `console`) with Node into `OUT_DIR/console`, from where `http/console_files.rs` embeds it.
//! Never here: anything of the console itself. Outside `OUT_DIR` only `console/node_modules` and `console/dist` are written.
//!
//! * No Node, or one that is too old: a page that says what is missing is embedded and cargo warns; with `CI=true` it is an error.
//! * `ROADBOOK_SKIP_CONSOLE=1`: the same page, without a warning, for quick checks.
//! * Node there, but the console does not build: an error, since a server without its console is not what was asked for.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// What the console is built from, relative to its folder.
const SOURCES: &[&str] = &["src", "public", "mock", "index.html", "package.json", "package-lock.json", "vite.config.ts", "tsconfig.json"];
/// The oldest Node that the build tools run on: major, minor.
const NODE_MIN: (u32, u32) = (20, 19);
/// Where it is noted which lock file `node_modules` was installed from.
const INSTALLED_NOTE: &str = "node_modules/.roadbook-installed";

fn main() -> ExitCode {
    match prepare() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("cargo::error={}", problem.replace('\n', " | "));
            ExitCode::FAILURE
        }
    }
}

fn prepare() -> Result<(), String> {
    let console = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("console");
    let out = PathBuf::from(variable("OUT_DIR")?).join("console");
    println!("cargo::rerun-if-changed=build.rs");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", console.join(source).display());
    }
    for name in ["ROADBOOK_SKIP_CONSOLE", "CI"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    if env::var_os("ROADBOOK_SKIP_CONSOLE").is_some_and(|value| value == "1") {
        return placeholder(&out, "ROADBOOK_SKIP_CONSOLE=1");
    }
    match node_problem() {
        None => build(&console, &out),
        Some(problem) if env::var_os("CI").is_some_and(|value| value == "true") => Err(problem),
        Some(problem) => {
            println!("cargo::rerun-if-env-changed=PATH");
            println!("cargo::warning=the HQ console is left out: {problem}");
            placeholder(&out, &problem)
        }
    }
}

fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("cargo did not set {name}"))
}

/// What keeps Node from building the console; `None` when nothing does.
fn node_problem() -> Option<String> {
    let wanted = format!("Node {}.{} or newer with npm is needed to build it", NODE_MIN.0, NODE_MIN.1);
    let version = match run_quietly("node", &["--version"]) {
        Ok(text) => text,
        Err(_) => return Some(format!("{wanted}; `node` was not found")),
    };
    let mut parts = version.trim().trim_start_matches('v').split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found < NODE_MIN {
        return Some(format!("{wanted}; found {}", version.trim()));
    }
    run_quietly(npm(), &["--version"]).err().map(|_| format!("{wanted}; `npm` was not found"))
}

fn npm() -> &'static str {
    if cfg!(windows) { "npm.cmd" } else { "npm" }
}

fn run_quietly(program: &str, arguments: &[&str]) -> io::Result<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("{program} ended with {}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn build(console: &Path, out: &Path) -> Result<(), String> {
    let told = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
    fs::create_dir_all(console.join("dist")).map_err(told("console/dist cannot be made"))?;
    // Two builds in one checkout (a debug one and an editor's) must not install into one folder at once.
    let lock = File::create(console.join("dist/.lock")).map_err(told("console/dist/.lock cannot be written"))?;
    lock.lock().map_err(told("console/dist/.lock cannot be locked"))?;
    let wanted = fs::read_to_string(console.join("package-lock.json")).map_err(told("console/package-lock.json cannot be read"))?;
    if fs::read_to_string(console.join(INSTALLED_NOTE)).ok().as_ref() != Some(&wanted) {
        run_npm(console, &["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
        fs::write(console.join(INSTALLED_NOTE), &wanted).map_err(told("console/node_modules cannot be written"))?;
    }
    let target = out.to_str().ok_or("the build folder's name is not text")?;
    run_npm(console, &["run", "build", "--", "--outDir", target, "--emptyOutDir", "--logLevel", "warn"])
}

fn run_npm(console: &Path, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(npm())
        .args(arguments)
        .current_dir(console)
        .stdin(Stdio::null())
        .env_remove("ROADBOOK_API")
        .env("NODE_ENV", if arguments.first() == Some(&"ci") { "development" } else { "production" })
        .output()
        .map_err(|error| format!("npm cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let end = lines.get(lines.len().saturating_sub(25)..).unwrap_or_default().join("\n");
    Err(format!("`npm {}` in sync-server/console failed ({}):\n{end}", arguments.join(" "), output.status))
}

/// A page that says plainly why there is no console.
fn placeholder(out: &Path, reason: &str) -> Result<(), String> {
    let reason = reason.replace('&', "&amp;").replace('<', "&lt;");
    let page = format!(
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>路书 Roadbook</title></head>\n\
         <body>\n<h1>路书 Roadbook</h1>\n<p>服务器正在运行，但编译时未包含控制台：{reason}</p>\n<p>请安装 Node {major}.{minor} 或更新版本（含 npm），然后重新编译。</p>\n\
         <p lang=\"en\">The server is running, but it was built without its console: {reason}</p>\n\
         <p lang=\"en\">Install Node {major}.{minor} or newer with npm and build again.</p>\n</body>\n</html>\n",
        major = NODE_MIN.0,
        minor = NODE_MIN.1,
    );
    let written = (|| {
        if out.exists() {
            fs::remove_dir_all(out)?;
        }
        fs::create_dir_all(out)?;
        fs::write(out.join("index.html"), page)
    })();
    written.map_err(|error| format!("{}: {error}", out.display()))
}
