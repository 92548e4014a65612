# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The daemon `ipvsman`: health-checked IPVS from drop-in files."""

__version__ = "0.1.0"
