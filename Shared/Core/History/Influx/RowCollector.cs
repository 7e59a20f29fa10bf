using System.Text.Json;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Influx;

/// <summary>Collects the rows of one OID as events with their places. Not thread-safe.</summary>
internal sealed class RowCollector(EventBatch events, Oid oid) : IInfluxReader
{
    private readonly InfluxRow _row = new();
    private readonly int _item = events.Oids.GetOrAdd(oid);

    public EventBatch Events => events;

    /// <summary>Where each of the events stands.</summary>
    public List<HistoryCursor> Places { get; } = [];

    public void Series(int statement, IReadOnlyDictionary<string, string> tags, IReadOnlyList<string> columns)
    {
        // One OID, one statement.
    }

    public string? Row(ref Utf8JsonReader json)
    {
        if ((_row.TryRead(ref json) ?? _row.TryAddTo(events, _item)) is { } wrong)
        {
            return $"an event of {oid} at {UnixTime.FormatIso(_row.Place.TimeNs)}: {wrong}";
        }

        Places.Add(_row.Place);
        return null;
    }
}

/// <summary>Takes answers of a few columns, as texts. For descriptions and counts, not for events. Not thread-safe.</summary>
internal sealed class TextRows : IInfluxReader
{
    private readonly Dictionary<string, (int Row, int Column)> _columns = new(StringComparer.Ordinal);
    private int _statement;
    private IReadOnlyDictionary<string, string> _tags = new Dictionary<string, string>();

    /// <summary>The rows: the statement's number, the tags, the columns; null where there is no value.</summary>
    public List<(int Statement, IReadOnlyDictionary<string, string> Tags, string?[] Columns)> Rows { get; } = [];

    /// <summary>The first value of a column with a name that only one series has, or null.</summary>
    public string? Find(string column) => _columns.TryGetValue(column, out var at) && at.Row < Rows.Count
        ? Rows[at.Row].Columns.ElementAtOrDefault(at.Column)
        : null;

    public void Series(int statement, IReadOnlyDictionary<string, string> tags, IReadOnlyList<string> columns)
    {
        for (var i = 0; i < columns.Count; i++)
        {
            _columns.TryAdd(columns[i], (Rows.Count, i));
        }

        _statement = statement;
        _tags = tags;
    }

    public string? Row(ref Utf8JsonReader json)
    {
        var columns = new List<string?>();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            switch (json.TokenType)
            {
                case JsonTokenType.String:
                    columns.Add(json.GetString());
                    break;
                case JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False:
                    columns.Add(System.Text.Encoding.UTF8.GetString(json.ValueSpan));
                    break;
                case JsonTokenType.Null:
                    columns.Add(null);
                    break;
                default:
                    return $"a {json.TokenType} in a row";
            }
        }

        Rows.Add((_statement, _tags, [.. columns]));
        return null;
    }
}
