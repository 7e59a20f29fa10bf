namespace ZfRepl.OpcUa.Client;

/// <summary>Remembers what was logged, so that what is tried again and again is told once. For one caller.</summary>
internal sealed class ToldOnce
{
    /// <summary>The causes are the server's words: when there are more of them, it begins anew.</summary>
    private const int CausesMax = 64;

    private readonly HashSet<string> _told = new(StringComparer.Ordinal);

    /// <summary>True the first time.</summary>
    public bool IsNew(string cause)
    {
        if (_told.Count >= CausesMax)
        {
            _told.Clear();
        }

        return _told.Add(cause);
    }

    /// <summary>Things have changed: everything is worth telling again.</summary>
    public void Clear() => _told.Clear();
}
