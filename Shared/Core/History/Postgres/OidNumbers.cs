using Npgsql;
using NpgsqlTypes;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Postgres;

/// <summary>What is known of an OID in the database.</summary>
internal sealed class OidNumber
{
    public required int Id { get; init; }

    /// <summary>The time of its latest event, or the earliest time there is.</summary>
    public required long LastNs { get; set; }
}

/// <summary>
/// OIDs ↔ their numbers in the database, with the times of their latest events, remembered up to a bound. What is remembered is worth
/// nothing after another session wrote, or after a rollback: then it is forgotten. Not thread-safe.
/// </summary>
internal sealed class OidNumbers(PostgresSession session, int maxRemembered = 200_000)
{
    private const int PageSize = 5_000;

    private const string Find = """
        SELECT w.place::integer, o.id, (SELECT max(e.t) FROM event e WHERE e.oid_id = o.id)
        FROM unnest($1) WITH ORDINALITY w(text, place) JOIN oid o ON o.text = w.text
        """;

    private readonly Dictionary<string, OidNumber> _known = new(StringComparer.Ordinal);
    private OidNumber?[] _byItem = new OidNumber?[256];
    private int[] _runByItem = new int[256];
    private int _run;

    /// <summary>Forgets everything.</summary>
    public void Forget() => _known.Clear();

    /// <summary>Gets the numbers of all OIDs of a part of a batch, giving new ones where there are none. Only within a transaction.</summary>
    public async Task LoadAsync(EventBatch batch, int start, int count)
    {
        Begin(batch.Oids.Count);
        List<int>? unknown = null;
        for (var i = start; i < start + count; i++)
        {
            var item = batch.Items[i];
            if (_runByItem[item] != _run)
            {
                _runByItem[item] = _run;
                if (!_known.TryGetValue(batch.Oids[item].Text, out _byItem[item]))
                {
                    (unknown ??= []).Add(item);
                }
            }
        }

        foreach (var page in unknown?.Chunk(PageSize) ?? [])
        {
            await LoadAsync(batch.Oids, page);
        }
    }

    /// <summary>The number of an item's OID; only after <see cref="LoadAsync(EventBatch, int, int)"/>.</summary>
    public OidNumber this[int item] => _byItem[item]!;

    /// <summary>The number of an OID, or null when the database has none for it.</summary>
    public static async Task<int?> FindAsync(PostgresSession session, Oid oid, CancellationToken cancellation) =>
        (int?)await session.ValueAsync("SELECT id FROM oid WHERE text = $1", cancellation, PostgresSession.Parameter(oid.Text));

    private void Begin(int items)
    {
        if (_known.Count > maxRemembered)
        {
            _known.Clear();
        }

        if (items > _byItem.Length)
        {
            var size = Math.Max(items, _byItem.Length * 2);
            Array.Resize(ref _byItem, size);
            Array.Resize(ref _runByItem, size);
        }

        if (++_run == int.MaxValue)
        {
            _run = 1;
            Array.Clear(_runByItem);
        }
    }

    private async Task LoadAsync(OidTable oids, int[] items)
    {
        var texts = Array.ConvertAll(items, item => oids[item].Text);
        await ReadAsync(texts, items);
        var missing = Array.FindAll(items, item => _byItem[item] is null);
        if (missing.Length > 0)
        {
            texts = Array.ConvertAll(missing, item => oids[item].Text);
            await session.ExecuteAsync("INSERT INTO oid(text) SELECT unnest($1)", Texts(texts));
            await ReadAsync(texts, missing);
        }
    }

    private async Task ReadAsync(string[] texts, int[] items)
    {
        await using var command = session.Command(Find, Texts(texts));
        await using var row = await command.ExecuteReaderAsync();
        while (await row.ReadAsync())
        {
            var item = items[row.GetInt32(0) - 1];
            var number = new OidNumber { Id = row.GetInt32(1), LastNs = row.IsDBNull(2) ? long.MinValue : row.GetInt64(2) };
            _byItem[item] = number;
            _known[texts[row.GetInt32(0) - 1]] = number;
        }
    }

    private static NpgsqlParameter<string[]> Texts(string[] texts) =>
        new NpgsqlParameter<string[]> { TypedValue = texts, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };
}
