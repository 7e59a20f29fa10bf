using ZfRepl.Core.Proof;
using ZfRepl.Core.Storage;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Hosting.Proof;

/// <summary>The answer of <c>proof.key</c>: a service's public key.</summary>
public static class ProofKeyMethod
{
    /// <summary>Writes the public key and its fingerprint.</summary>
    public static RpcResult Answer(StorageResult<ProofKey> key) => !key.IsOk
        ? RpcResult.Error(RpcErrorCode.Io, $"the key for signing can't be used: {key.Error}")
        : RpcResult.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("algorithm", "ecdsa-p256-sha256");
            json.WriteString("key", key.Value.PublicText);
            json.WriteString("fingerprint", ProofKey.Fingerprint(key.Value.PublicText));
            json.WriteString("pem", key.Value.PublicPem);
            json.WriteEndObject();
        });
}
