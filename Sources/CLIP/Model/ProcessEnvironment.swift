internal import CLIPSystem

/// The variables that say where the hub's cache and installed models are.
package func processEnvironment() -> [String: String] {
    let names = [
        "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME", "CLIP_MODELS", "XDG_DATA_HOME",
    ]
    var environment: [String: String] = [:]
    for name in names {
        environment[name] = environmentVariable(name)
    }
    return environment
}
