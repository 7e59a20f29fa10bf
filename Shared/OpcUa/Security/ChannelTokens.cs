namespace ZfRepl.OpcUa.Security;

/// <summary>Which end of the channel this is.</summary>
internal enum ChannelRole
{
    /// <summary>The side that opened it and renews it.</summary>
    Client,

    /// <summary>The side that issues the tokens.</summary>
    Server,
}

/// <summary>A security token as the server issued it (OPC 10000-4, 5.6.2).</summary>
/// <param name="ChannelId">The secure channel.</param>
/// <param name="TokenId">The token within the channel.</param>
/// <param name="LifetimeMs">How long it may be used, as the server revised it.</param>
internal readonly record struct ChannelToken(uint ChannelId, uint TokenId, uint LifetimeMs);

/// <summary>A token with its keys; policy None has none.</summary>
internal sealed class TokenKeys(ChannelToken token, SymmetricKeys? send, SymmetricKeys? receive, long installedAt)
{
    public ChannelToken Token { get; } = token;

    public SymmetricKeys? Send { get; } = send;

    public SymmetricKeys? Receive { get; } = receive;

    public long InstalledAt { get; } = installedAt;
}

/// <summary>
/// The one or two tokens in force. After a renewal both are taken for receiving until the first message under the new one arrives, the old
/// one at most a quarter of its lifetime past its end (OPC 10000-4, 5.6.2). The client sends with the new token at once; the server goes
/// on with the old one until it has seen the new one in use.
/// </summary>
/// <remarks>
/// <see cref="Install"/>, <see cref="ForReceiving"/> and <see cref="Received"/> belong to the receiving side, <see cref="ForSending"/> to
/// the sending side; the two sides may run at once. The keys are not thread-safe, so each side disposes only keys that the other never
/// touches.
/// </remarks>
internal sealed class ChannelTokens(ChannelRole role, TimeProvider time) : IDisposable
{
    /// <summary>A token may be met this much past its end, as a multiple of its lifetime.</summary>
    private const double LifetimeWithGrace = 1.25;

    private readonly Lock _gate = new();
    private TokenKeys? _older;
    private TokenKeys? _newer;
    private TokenKeys? _lastSent;

    /// <summary>The number of tokens in force.</summary>
    public int Count => (_older is null ? 0 : 1) + (_newer is null ? 0 : 1);

    public void Install(ChannelToken token, SymmetricKeys? send, SymmetricKeys? receive)
    {
        lock (_gate)
        {
            Drop(_older);
            _older = _newer;
            _newer = new TokenKeys(token, send, receive, time.GetTimestamp());
        }
    }

    /// <summary>The keys to send with; null when there is no token that the other side would still take.</summary>
    public TokenKeys? ForSending()
    {
        lock (_gate)
        {
            var chosen = role == ChannelRole.Server && _older is not null && !IsPast(_older, 1) ? _older : _newer;
            if (chosen is null || IsPast(chosen, LifetimeWithGrace))
            {
                return null;
            }

            if (_lastSent is not null && _lastSent != chosen && _lastSent != _older)
            {
                _lastSent.Send?.Dispose();
            }

            _lastSent = chosen;
            return chosen;
        }
    }

    /// <summary>The keys of the token that a chunk names; null when it is not, or no longer, in force.</summary>
    public TokenKeys? ForReceiving(uint tokenId)
    {
        lock (_gate)
        {
            var found = _newer?.Token.TokenId == tokenId ? _newer : _older?.Token.TokenId == tokenId ? _older : null;
            return found is null || IsPast(found, LifetimeWithGrace) ? null : found;
        }
    }

    /// <summary>Notes that a chunk under this token was verified.</summary>
    public void Received(TokenKeys keys)
    {
        lock (_gate)
        {
            if (keys == _newer && _older is not null)
            {
                Drop(_older);
                _older = null;
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var keys in new[] { _older, _newer, _lastSent })
            {
                keys?.Send?.Dispose();
                keys?.Receive?.Dispose();
            }

            _older = _newer = _lastSent = null;
        }
    }

    /// <summary>Called on the receiving side. The keys that the sender may be using this moment are left to it.</summary>
    private void Drop(TokenKeys? keys)
    {
        keys?.Receive?.Dispose();
        if (keys != _lastSent)
        {
            keys?.Send?.Dispose();
        }
    }

    private bool IsPast(TokenKeys keys, double lifetimes) =>
        time.GetElapsedTime(keys.InstalledAt).TotalMilliseconds > keys.Token.LifetimeMs * lifetimes;
}
