namespace ZfRepl.Core.Schedule;

/// <summary>The values of one field at which the schedule fires.</summary>
internal sealed class CronValues(CronField field)
{
    private readonly bool[] _allowed = new bool[field.Maximum - field.Minimum + 1];

    public bool Contains(int value) => value >= field.Minimum && value <= field.Maximum && _allowed[value - field.Minimum];

    /// <summary>The first allowed value that is not below <paramref name="value"/>, or null when there is none.</summary>
    public int? AtOrAfter(int value)
    {
        for (var candidate = Math.Max(value, field.Minimum); candidate <= field.Maximum; candidate++)
        {
            if (_allowed[candidate - field.Minimum])
            {
                return candidate;
            }
        }

        return null;
    }

    /// <summary>Allows first, first + step, ... up to last.</summary>
    public void Add(int first, int last, int step)
    {
        for (long value = first; value <= last; value += step)
        {
            _allowed[value - field.Minimum] = true;
        }
    }
}
