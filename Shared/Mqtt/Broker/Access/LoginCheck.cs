using System.Security.Cryptography;

namespace ZfRepl.Mqtt.Broker;

/// <summary>
/// Decides on user name and password. Deriving a key takes a tenth of a second of processor time on purpose: only a few run at once, an
/// unknown user costs as much as a known one, and a password that was right is recognised later by a keyed hash that lives in memory
/// only, so that a hundred clients can come back at once. Thread-safe.
/// </summary>
internal sealed class LoginCheck(MqttBrokerOptions options) : IDisposable
{
    private readonly SemaphoreSlim _derivations = new(Math.Max(1, Environment.ProcessorCount / 2));
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, byte[]> _known = new(StringComparer.Ordinal);
    private readonly Lazy<string> _unknownUser = new(() => MqttPasswordHash.Create("no such user"));

    /// <summary>Whether the client may connect, and as whom: an anonymous client has no user name, whatever it claims.</summary>
    public async ValueTask<LoginVerdict> DecideAsync(MqttLogin login)
    {
        if (options.Verifier is { } verifier)
        {
            return new LoginVerdict(verifier(login), login.UserName);
        }

        if (login.UserName is not { } userName || options.Users.Count == 0)
        {
            return new LoginVerdict(options.AllowAnonymous, UserName: null);
        }

        var fingerprint = HMACSHA256.HashData(_key, login.Password.Span);
        return new LoginVerdict(IsKnown(userName, fingerprint) || await DeriveAsync(userName, login.Password, fingerprint), userName);
    }

    public void Dispose() => _derivations.Dispose();

    private bool IsKnown(string userName, byte[] fingerprint)
    {
        lock (_gate)
        {
            return _known.TryGetValue(userName, out var known) && CryptographicOperations.FixedTimeEquals(known, fingerprint);
        }
    }

    private async Task<bool> DeriveAsync(string userName, ReadOnlyMemory<byte> password, byte[] fingerprint)
    {
        await _derivations.WaitAsync();
        try
        {
            var isUser = options.Users.TryGetValue(userName, out var hash);
            if (!MqttPasswordHash.Verify(password.Span, hash ?? _unknownUser.Value) || !isUser)
            {
                return false;
            }
        }
        finally
        {
            _derivations.Release();
        }

        lock (_gate)
        {
            _known[userName] = fingerprint;
        }

        return true;
    }
}

/// <summary>The outcome of a login.</summary>
internal readonly record struct LoginVerdict(bool IsAllowed, string? UserName);
