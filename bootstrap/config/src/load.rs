//! The layers, lowest first: defaults, the file, the environment, the command line.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use figment::value::{Dict, Map as Profiles};
use figment::{Figment, Metadata, Profile, Provider as Layer};
use serde_json::Value as Json;

use crate::core::{Reader, whole};
use crate::cross;
use crate::error::{ConfigError, Problem};
use crate::layer::{ENV_PREFIX, Given, Tree, env_keys, from_given, from_toml};
use crate::origin::Origin;
use crate::schema::{Config, schema};
use crate::zai;

/// The file that is read when none is named, if it is there.
pub const FILE_NAME: &str = "agent-runtime.toml";
/// The largest configuration file in bytes.
pub const FILE_BYTES_MAX: u64 = 1_048_576;

/// Where a configuration comes from.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// The file. `None`: [`FILE_NAME`] in the working folder, if there is one. A file that is named must exist.
    pub file: Option<PathBuf>,
    /// The environment, as (name, value). Names that begin with `AGENT_RUNTIME_` are keys; of the rest only those of z.ai
    /// are looked at (`ZAI_API_KEY`, `ZAI_API_KEY_FILE`, `ZAI_BASE_URL`).
    pub env: Vec<(String, String)>,
    /// Variables with that prefix that are not keys, because the program reads them itself: `AGENT_RUNTIME_CONFIG`.
    pub env_not_keys: Vec<String>,
    /// What the command line sets; beats all else.
    pub overrides: Vec<Override>,
}

/// One key set by the command line.
#[derive(Debug, Clone)]
pub struct Override {
    /// The dotted key: `node.data`.
    pub key: String,
    /// Its value; a list of paths with `:` between them, one of models with `,`.
    pub value: String,
    /// The flag as the person typed it, for messages: `--data`.
    pub flag: String,
}

impl Config {
    /// Reads all layers and checks them. Keys of models are not read here; see [`Config::keys`].
    ///
    /// Relative paths in the file are taken from the file's folder, all others from the working folder.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem that was found, each with its place.
    pub fn load(options: &LoadOptions) -> Result<Self, ConfigError> {
        let root = schema();
        let mut reader = Reader::new(&root);
        let mut figment = Figment::new();
        let file = file_layer(options)?;
        for tree in file.into_iter().chain(env_layers(options)).chain(flag_layers(options)) {
            figment = figment.merge(Read(reader.layer(&tree)));
        }
        let merged: Json = figment.extract().map_err(|error| unexpected(&error))?;
        reader.problems.extend(whole(&merged, &root, "", &reader.origins));
        if !reader.problems.is_empty() {
            // So that all is told at once: names of models that lead nowhere do not depend on what is wrong elsewhere.
            let readable: Option<Self> = figment.extract().ok();
            let known = reader.problems.iter().map(|problem| problem.at.clone()).collect::<Vec<_>>();
            let mut problems = reader.problems;
            let config = readable.map(|config| Self { origins: reader.origins, ..config });
            let more = config.iter().flat_map(cross::names);
            problems.extend(more.filter(|problem| !known.contains(&problem.at)));
            return Err(ConfigError::of(problems));
        }
        let mut config: Self = figment.extract().map_err(|error| unexpected(&error))?;
        config.origins = reader.origins;
        let mut problems = zai::apply(&mut config, &options.env);
        problems.extend(cross::check(&config));
        if !problems.is_empty() {
            return Err(ConfigError::of(problems));
        }
        config.resolve_paths();
        Ok(config)
    }

    fn resolve_paths(&mut self) {
        let origins = self.origins.clone();
        let resolve = |path: &mut PathBuf, key: &str| {
            // A default is no path of the file, whether its table stands there or not.
            if let (true, Origin::File { file, .. }) = (origins.has(key), origins.of(key)) {
                *path = file.parent().unwrap_or(Path::new("")).join(&path);
            }
        };
        resolve(&mut self.node.data, "node.data");
        if let Some(table) = &mut self.models.table {
            resolve(table, "models.table");
        }
        if let Some(file) = &mut self.secrets.key_file {
            resolve(file, "secrets.key_file");
        }
        for (id, workspace) in &mut self.workspaces {
            for (index, folder) in workspace.notes.iter_mut().enumerate() {
                resolve(folder, &format!("workspaces.{id}.notes.{index}"));
            }
        }
        for (name, provider) in &mut self.models.providers {
            if let Some(file) = &mut provider.key_file {
                resolve(file, &format!("models.providers.{name}.key_file"));
            }
        }
    }
}

/// A layer after it was read.
struct Read(Json);

impl Layer for Read {
    fn metadata(&self) -> Metadata {
        Metadata::named("a layer that was read")
    }

    fn data(&self) -> Result<Profiles<Profile, Dict>, figment::Error> {
        let dict = figment::value::Value::serialize(&self.0)?.into_dict().unwrap_or_default();
        Ok(Profile::Default.collect(dict))
    }
}

/// The reader lets nothing through that does not fit; should it ever, this says so.
fn unexpected(error: &figment::Error) -> ConfigError {
    ConfigError::Invalid(vec![Problem { at: Origin::Default, what: error.to_string() }])
}

fn file_layer(options: &LoadOptions) -> Result<Option<Tree>, ConfigError> {
    let file = options.file.clone().unwrap_or_else(|| PathBuf::from(FILE_NAME));
    let text = match read_bounded(&file, FILE_BYTES_MAX) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && options.file.is_none() => {
            return Ok(None);
        }
        Err(error) => {
            return Err(ConfigError::Unreadable {
                why: format!("can't be read ({error}); name a TOML file by --config"),
                file,
            });
        }
    };
    from_toml(&text, &file).map(Some).map_err(|problem| ConfigError::Invalid(vec![problem]))
}

fn env_layers(options: &LoadOptions) -> impl Iterator<Item = Tree> {
    let ours = |(name, _): &&(String, String)| name.starts_with(ENV_PREFIX) && !options.env_not_keys.contains(name);
    let mut named: Vec<&(String, String)> = options.env.iter().filter(ours).collect();
    named.sort();
    named.into_iter().filter_map(|(name, value)| {
        let keys = env_keys(name)?;
        Some(from_given(Given { keys, text: value.clone(), at: Origin::Env(name.clone()) }))
    })
}

fn flag_layers(options: &LoadOptions) -> impl Iterator<Item = Tree> {
    options.overrides.iter().map(|one| {
        let keys = one.key.split('.').map(str::to_owned).collect();
        from_given(Given { keys, text: one.value.clone(), at: Origin::Flag(one.flag.clone()) })
    })
}

/// Text of a file that must not be larger than `bytes_max`.
pub(crate) fn read_bounded(file: &Path, bytes_max: u64) -> std::io::Result<String> {
    let mut text = String::new();
    let read = std::fs::File::open(file)?.take(bytes_max.saturating_add(1)).read_to_string(&mut text)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > bytes_max {
        return Err(std::io::Error::other(format!("it is larger than {bytes_max} bytes")));
    }
    Ok(text)
}
