namespace ZfRepl.Core.Transfer;

/// <summary>Remembers which message numbers of a session were seen: each is taken once, in whatever order they arrive. Not thread-safe.</summary>
public sealed class ReplayWindow
{
    private const int Size = 1024;

    private readonly bool[] _seen = new bool[Size];
    private ulong _highest;
    private bool _any;

    /// <summary>Takes a number.</summary>
    /// <returns>False when it was taken before, or is too old to know.</returns>
    public bool TryTake(ulong number)
    {
        if (!_any || number > _highest)
        {
            if (!_any || number - _highest >= Size)
            {
                Array.Clear(_seen);
            }
            else
            {
                for (var skipped = _highest + 1; skipped < number; skipped++)
                {
                    _seen[skipped % Size] = false;
                }
            }

            _highest = number;
            _any = true;
        }
        else if (_highest - number >= Size || _seen[number % Size])
        {
            return false;
        }

        _seen[number % Size] = true;
        return true;
    }
}
