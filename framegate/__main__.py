import sys

from framegate.cli import main

sys.exit(main())
