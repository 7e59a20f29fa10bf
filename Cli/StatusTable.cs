using Spectre.Console;

namespace ZfRepl.Cli;

/// <summary>A table that turns into a list of its rows where the console is too narrow for it: no number is ever broken over two lines.</summary>
/// <param name="columns">The headers, in plain text.</param>
internal sealed class StatusTable(params string[] columns)
{
    /// <summary>Blanks and borders of a column.</summary>
    private const int CellOverhead = 3;

    private readonly List<string[]> _rows = [];

    /// <summary>Adds a row.</summary>
    /// <param name="cells">A cell for each column, as markup.</param>
    public void AddRow(params string[] cells) => _rows.Add(cells);

    /// <summary>Prints it.</summary>
    /// <param name="console">Where to.</param>
    public void Write(IAnsiConsole console)
    {
        var width = columns.Select((header, i) => CellOverhead + _rows.Select(r => Markup.Remove(r[i]).Length).Append(header.Length).Max()).Sum();
        if (width <= console.Profile.Width)
        {
            WriteTable(console);
        }
        else
        {
            WriteList(console);
        }
    }

    private void WriteTable(IAnsiConsole console)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var column in columns)
        {
            table.AddColumn(Markup.Escape(column));
        }

        foreach (var row in _rows)
        {
            table.AddRow(row);
        }

        console.Write(table);
    }

    private void WriteList(IAnsiConsole console)
    {
        console.WriteLine();
        foreach (var row in _rows)
        {
            var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
            foreach (var (header, cell) in columns.Zip(row).Where(c => c.Second.Length > 0))
            {
                grid.AddRow($"  {Markup.Escape(header)}", cell);
            }

            console.Write(grid);
            console.WriteLine();
        }
    }
}
